//! How the installation is set up.

use maud::{Markup, html};

use crate::gallery::{Page, Sample};
use crate::sample;
use crate::shell::{Document, Layout, Shell};

/// How the installation is set up: every setting, no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigPage {
    /// The settings.
    pub groups: Vec<SettingGroup>,
}

/// Settings about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingGroup {
    /// What they are about.
    pub title: String,
    /// The settings.
    pub settings: Vec<Setting>,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The variable.
    pub name: String,
    /// What it does.
    pub meaning: String,
    /// What it is.
    pub value: SettingValue,
    /// Who says so.
    pub source: SettingSource,
    /// What else there is to say, if it has no effect.
    pub note: Option<String>,
}

/// What a setting is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingValue {
    /// Nothing.
    Unset,
    /// This.
    Set(String),
    /// Something that is nobody's business.
    Secret,
}

/// Who says what a setting is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingSource {
    /// We do.
    Default,
    /// Whoever started the process.
    Environment,
    /// A file, which whoever started the process named.
    File(String),
}

impl SettingGroup {
    fn show(&self) -> Markup {
        html! {
            section.section {
                header { h2 { (self.title) } }
                div.panel {
                    div.scroll role="region" aria-label=(self.title) tabindex="0" {
                        table.top {
                            caption.unseen { (self.title) }
                            thead {
                                tr {
                                    th scope="col" { "Setting" }
                                    th scope="col" { "Value" }
                                    th scope="col" { "From" }
                                }
                            }
                            tbody { @for setting in &self.settings { (setting.show()) } }
                        }
                    }
                }
            }
        }
    }
}

impl Setting {
    fn show(&self) -> Markup {
        html! {
            tr {
                th scope="row" {
                    code { (self.name) }
                    p.help { (with_code(&self.meaning)) }
                }
                td {
                    @match &self.value {
                        SettingValue::Unset => span.missing { "not set" },
                        SettingValue::Set(value) => code { bdi { (value) } },
                        SettingValue::Secret => span.missing { "set, not shown" },
                    }
                }
                td {
                    @match &self.source {
                        SettingSource::Default => span.missing { "default" },
                        SettingSource::Environment => "environment",
                        SettingSource::File(path) => { "file " code { bdi { (path) } } },
                    }
                    @if let Some(note) = &self.note { p.help { (note) } }
                }
            }
        }
    }
}

/// A sentence with what stands between backticks as code.
fn with_code(sentence: &str) -> Markup {
    html! {
        @for (place, part) in sentence.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

impl Page for ConfigPage {
    fn render(&self, shell: &Shell) -> String {
        let content = html! { @for group in &self.groups { (group.show()) } };
        let lead = "What the running processes were started with. To change it, change the \
                    environment and start them again.";
        shell.document(&Document {
            lead: Some(html! { (lead) }),
            ..Document::new("Configuration", Layout::Wide, content)
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        let group = |title: &str, settings| SettingGroup { title: title.to_owned(), settings };
        let usual = group(
            "Instance",
            vec![
                setting("GLITCHTIP_DOMAIN", Some("https://errors.example.com"), false),
                setting("GLITCHTIP_INSTANCE_NAME", None, true),
                Setting {
                    value: SettingValue::Secret,
                    source: SettingSource::File("/run/secrets/key".to_owned()),
                    ..setting("SECRET_KEY", None, false)
                },
                Setting {
                    note: Some("It has no effect here.".to_owned()),
                    ..setting("UWSGI_WORKERS", Some("4"), false)
                },
                setting("GLITCHTIP_RETENTION_DAYS", Some("90"), true),
            ],
        );
        let mail = group("Mail", vec![setting("EMAIL_HOST", Some("localhost"), true)]);
        vec![
            Sample { name: "empty", page: Self { groups: Vec::new() } },
            Sample { name: "typical", page: Self { groups: vec![usual, mail] } },
            Sample {
                name: "hostile",
                page: Self {
                    groups: vec![group(
                        sample::MARKUP,
                        vec![
                            setting("LONG", Some(sample::LONG), false),
                            setting("MARKUP", Some(sample::MARKUP), false),
                            setting("RTL", Some(sample::RIGHT_TO_LEFT), false),
                        ],
                    )],
                },
            },
        ]
    }
}

fn setting(name: &str, value: Option<&str>, is_default: bool) -> Setting {
    let value = value.map_or(SettingValue::Unset, |value| SettingValue::Set(value.to_owned()));
    Setting {
        name: name.to_owned(),
        meaning: "Where people find this installation, `http://localhost` if they are few."
            .to_owned(),
        value,
        source: if is_default { SettingSource::Default } else { SettingSource::Environment },
        note: None,
    }
}
