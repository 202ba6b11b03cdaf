//! What the API takes and gives, for people who write programs.

use maud::{Markup, html};

use crate::gallery::{Page, Sample};
use crate::link::Link;
use crate::shell::{Document, Layout, Shell};
use crate::{paths, sample};

/// What the API takes and gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiReference {
    /// The version of the program.
    pub version: String,
    /// What can be asked for.
    pub groups: Vec<OperationGroup>,
    /// What is answered, by name.
    pub shapes: Vec<Shape>,
}

/// Operations about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationGroup {
    /// The thing.
    pub title: String,
    /// The operations.
    pub operations: Vec<Operation>,
}

/// Something that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its name, which no other has.
    pub id: String,
    /// `GET`, `POST`, ….
    pub method: String,
    /// Where it is, with its parameters in braces.
    pub path: String,
    /// What it is.
    pub summary: String,
    /// Who may ask.
    pub who: String,
    /// What stands in the path and in the query.
    pub parameters: Vec<Member>,
    /// What the body is made of.
    pub body: Vec<Member>,
    /// What may be answered.
    pub answers: Vec<ApiAnswer>,
}

/// Something that may be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiAnswer {
    /// The status.
    pub status: String,
    /// What it means.
    pub meaning: String,
    /// What the body is; nothing if there is none.
    pub kind: ValueKind,
}

/// A value with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ValueKind,
    /// Whether it may be left out.
    pub is_optional: bool,
    /// What it means.
    pub meaning: String,
}

/// Something that is answered in several places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Its name.
    pub name: String,
    /// What it is.
    pub meaning: String,
    /// What it is if it has no members.
    pub kind: ValueKind,
    /// What it is made of.
    pub members: Vec<Member>,
}

/// What a value is: words, and names of shapes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValueKind(pub Vec<KindPart>);

/// A part of what a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KindPart {
    /// Words.
    Words(String),
    /// The name of a [`Shape`].
    Shape(String),
}

/// Where a group is on the page.
fn group_id(title: &str) -> String {
    format!("about-{}", title.replace(' ', "-"))
}

fn shape_id(name: &str) -> String {
    format!("shape-{name}")
}

impl ApiReference {
    /// The addresses of the groups, with their titles.
    pub fn sections(&self) -> Vec<(String, Link)> {
        let link = |id: &str| Link::within(format!("{}#{id}", paths::API_REFERENCE));
        let groups =
            self.groups.iter().map(|group| (group.title.clone(), link(&group_id(&group.title))));
        groups.chain([("Shapes".to_owned(), link("shapes"))]).collect()
    }
}

impl ValueKind {
    fn show(&self) -> Markup {
        html! {
            bdi {
                @for part in &self.0 {
                    @match part {
                        KindPart::Words(words) => (words),
                        KindPart::Shape(name) => a href={ "#" (shape_id(name)) } { (name) },
                    }
                }
            }
        }
    }
}

/// Words in which backticks surround what is meant letter by letter.
fn prose(words: &str) -> Markup {
    html! {
        bdi {
            @for (place, part) in words.split('`').enumerate() {
                @if place % 2 == 0 { (part) } @else { code { (part) } }
            }
        }
    }
}

/// A table under its heading, which is for those who cannot see where it stands, too.
fn table(title: &str, of: &str, head: [&str; 3], rows: &Markup) -> Markup {
    let label = format!("{title} of {of}");
    html! {
        div {
            p.label { (title) }
            div.panel {
                div.scroll role="region" aria-label=(label) tabindex="0" {
                    table.top {
                        caption.unseen { (label) }
                        thead { tr { @for title in head { th scope="col" { (title) } } } }
                        tbody { (rows) }
                    }
                }
            }
        }
    }
}

fn members(title: &str, of: &str, members: &[Member]) -> Markup {
    let rows = html! {
        @for member in members {
            tr {
                th scope="row" { code { bdi { (member.name) } } }
                td {
                    (member.kind.show())
                    @if member.is_optional { p.help { "may be left out" } }
                }
                td { (prose(&member.meaning)) }
            }
        }
    };
    html! {
        @if !members.is_empty() { (table(title, of, ["Name", "Kind", "Meaning"], &rows)) }
    }
}

impl Operation {
    fn show(&self) -> Markup {
        let answers = html! {
            @for answer in &self.answers {
                tr {
                    th scope="row" { code { (answer.status) } }
                    td {
                        @if answer.kind.0.is_empty() {
                            span.missing { "nothing" }
                        } @else {
                            (answer.kind.show())
                        }
                    }
                    td { (prose(&answer.meaning)) }
                }
            }
        };
        let name = format!("{} {}", self.method, self.path);
        html! {
            details.operation id=(self.id) {
                summary {
                    h3 { code.method { (self.method) } " " code { bdi { (self.path) } } }
                    span { bdi { (self.summary) } }
                }
                div {
                    p { bdi { (self.who) } }
                    (members("Parameters", &name, &self.parameters))
                    (members("Body", &name, &self.body))
                    (table("Answers", &name, ["Status", "Body", "Meaning"], &answers))
                }
            }
        }
    }
}

impl Shape {
    fn show(&self) -> Markup {
        html! {
            details.operation id=(shape_id(&self.name)) {
                summary {
                    h3 { code { bdi { (self.name) } } }
                    span { (prose(&self.meaning)) }
                }
                div {
                    @if !self.kind.0.is_empty() { p { (self.kind.show()) } }
                    (members("Members", &self.name, &self.members))
                }
            }
        }
    }
}

impl Page for ApiReference {
    fn render(&self, shell: &Shell) -> String {
        let content = html! {
            @for group in &self.groups {
                section.section id=(group_id(&group.title)) {
                    header { h2 { bdi { (group.title) } } }
                    div.panel { @for operation in &group.operations { (operation.show()) } }
                }
            }
            section.section #shapes {
                header {
                    h2 { "Shapes" }
                    p { "What is answered in several places. All members are always there unless \
                         it is said that they may be left out, and there are no others." }
                }
                div.panel { @for shape in &self.shapes { (shape.show()) } }
            }
        };
        let lead = html! {
            "Version " bdi { (self.version) } ". The same for programs: "
            a href=(shell.site.url(paths::OPENAPI)) { "openapi.json" }
            ". Who may call what, in a table: "
            a href=(shell.site.url(paths::API_PERMISSIONS)) { "permissions" } "."
        };
        shell
            .document(&Document { lead: Some(lead), ..Document::new("API", Layout::Wide, content) })
    }

    fn samples() -> Vec<Sample<Self>> {
        vec![
            Sample {
                name: "empty",
                page: Self { version: "1".to_owned(), groups: Vec::new(), shapes: Vec::new() },
            },
            Sample {
                name: "typical",
                page: reference("teams", "Team", "What it is called, `shop` for instance."),
            },
            Sample { name: "hostile", page: reference(sample::MARKUP, "Team", sample::MARKUP) },
            Sample {
                name: "long",
                page: reference(sample::LONG, sample::LONG, sample::RIGHT_TO_LEFT),
            },
        ]
    }
}

fn reference(title: &str, shape: &str, meaning: &str) -> ApiReference {
    let words = |words: &str| ValueKind(vec![KindPart::Words(words.to_owned())]);
    let member = |name: &str, is_optional| Member {
        name: name.to_owned(),
        kind: words("text"),
        is_optional,
        meaning: meaning.to_owned(),
    };
    let answer = |status: &str, kind| ApiAnswer {
        status: status.to_owned(),
        meaning: meaning.to_owned(),
        kind,
    };
    let operation = |id: &str, method: &str, body| Operation {
        id: id.to_owned(),
        method: method.to_owned(),
        path: format!("/api/0/{title}/{{organization}}/"),
        summary: "List teams".to_owned(),
        who: "Needs a token or a session.".to_owned(),
        parameters: vec![member("organization", false), member("limit", true)],
        body,
        answers: vec![
            answer(
                "200",
                ValueKind(vec![
                    KindPart::Words("list of ".to_owned()),
                    KindPart::Shape(shape.to_owned()),
                ]),
            ),
            answer("204", ValueKind::default()),
        ],
    };
    let shape = |name: &str, kind, members| Shape {
        name: name.to_owned(),
        meaning: meaning.to_owned(),
        kind,
        members,
    };
    ApiReference {
        version: "1.2.3".to_owned(),
        groups: vec![OperationGroup {
            title: title.to_owned(),
            operations: vec![
                operation("list_teams", "GET", Vec::new()),
                operation("create_team", "POST", vec![member("slug", false)]),
            ],
        }],
        shapes: vec![
            shape("Team", ValueKind::default(), vec![member("slug", false)]),
            shape("Level", words("fatal or error"), Vec::new()),
        ],
    }
}
