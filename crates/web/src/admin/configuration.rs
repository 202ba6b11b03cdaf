//! How the installation is set up.

use actix_web::HttpResponse;
use mishap_boot::settings::catalogue::{Group, State};
use mishap_boot::settings::{Effective, Source};
use mishap_templates::admin::{ConfigPage, Setting, SettingGroup, SettingSource, SettingValue};

use super::Administrator;

/// `GET /admin/configuration/`
pub(super) async fn show(admin: Administrator) -> HttpResponse {
    let page = page(&admin.state().config.administration.settings);
    admin.show(&page)
}

fn page(settings: &[Effective]) -> ConfigPage {
    let groups = settings.chunk_by(|one, next| one.group == next.group);
    let group = |settings: &[Effective]| SettingGroup {
        title: settings.first().map_or("", |setting| Group::title(setting.group)).to_owned(),
        settings: settings.iter().map(shown).collect(),
    };
    ConfigPage { groups: groups.map(group).collect() }
}

fn shown(setting: &Effective) -> Setting {
    let Effective { name, value, is_secret, source, group: _, state, meaning } = setting;
    Setting {
        name: name.clone(),
        meaning: (*meaning).to_owned(),
        value: match value.as_str() {
            "" => SettingValue::Unset,
            "not set" if *is_secret => SettingValue::Unset,
            "set" if *is_secret => SettingValue::Secret,
            value => SettingValue::Set(value.to_owned()),
        },
        source: match source {
            Source::Default => SettingSource::Default,
            Source::Environment => SettingSource::Environment,
            Source::File(path) => SettingSource::File(path.display().to_string()),
        },
        note: match state {
            State::Read => None,
            State::Later(with) => Some(format!("Has no effect yet: it waits for {with}.")),
            State::Ignored => Some("Has no effect here.".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(name: &str, value: &str, is_secret: bool, group: Group) -> Effective {
        Effective {
            name: name.to_owned(),
            value: value.to_owned(),
            is_secret,
            source: Source::Environment,
            group,
            state: State::Read,
            meaning: "It means something.",
        }
    }

    #[test]
    fn settings_stand_with_their_like_and_secrets_are_not_told() {
        let page = page(&[
            setting("A", "1", false, Group::Core),
            setting("KEY", "set", true, Group::Core),
            setting("B", "set", false, Group::Mail),
            setting("PASSWORD", "not set", true, Group::Mail),
        ]);
        let titles: Vec<_> = page.groups.iter().map(|group| group.title.as_str()).collect();
        assert_eq!(titles, ["Core", "E-mail"]);
        let values: Vec<_> =
            page.groups.iter().flat_map(|group| &group.settings).map(|one| &one.value).collect();
        let (one, set) = (SettingValue::Set("1".into()), SettingValue::Set("set".into()));
        assert_eq!(values, [&one, &SettingValue::Secret, &set, &SettingValue::Unset]);
    }
}
