//! Names that look like settings and are none.

use super::Environment;
use super::catalogue::{self, State, part_of};
use super::environment::is_of_kubernetes;

/// What the names of settings begin with that nobody else would use.
const OURS: &[&str] = &["GLITCHTIP_", "MISHAP_", "APPSRE_API_USER_"];

/// How many letters may be wrong in a name that is taken for another.
const MAX_DISTANCE: usize = 2;

/// Notes each variable that begins like a setting and is none.
pub(super) fn warn_of_unknown_names(env: &mut Environment) {
    let is_ours = |name: &str| OURS.iter().any(|ours| name.starts_with(ours));
    let unknown: Vec<String> = env
        .variables()
        .filter(|(name, value)| is_ours(name) && !is_known(name) && !is_of_a_service(name, value))
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in unknown {
        env.warning(match similar(&name) {
            Some(known) => format!("{name} is no setting; {known} is one"),
            None => format!("{name} is no setting"),
        });
    }
}

/// Notes settings of which two names are set and say different things.
pub(super) fn warn_of_contradictions(env: &mut Environment) {
    let read = catalogue::all().filter(|setting| setting.state == State::Read);
    for setting in read.filter(|setting| !setting.is_family()) {
        let found = setting.names.iter().filter_map(|name| env.look_up(name, setting.kind));
        let mut found = found.filter_map(|found| Some((found.variable, found.value.ok()?)));
        let Some((counts, value)) = found.next() else {
            continue;
        };
        let others: Vec<_> = found.filter(|(_, other)| *other != value).collect();
        for (other, _) in others {
            env.warning(format!("{counts} counts, and not {other}, which says something else"));
        }
    }
}

/// Whether a variable, or the name before `_FILE`, is declared.
fn is_known(name: &str) -> bool {
    let is_declared = |name: &str| {
        let mut names = catalogue::all().flat_map(|setting| setting.names);
        names.any(|declared| *declared == name || part_of(declared, name).is_some())
    };
    is_declared(name) || name.strip_suffix("_FILE").is_some_and(is_declared)
}

/// Whether a variable is one of those that Kubernetes sets in every container for a service that is
/// called `glitchtip-web`, say.
fn is_of_a_service(name: &str, value: &str) -> bool {
    let is_port = |text: &str| {
        let mut words = text.split('_');
        words.next().is_some_and(|number| number.parse::<u16>().is_ok())
            && words.next().is_some_and(|protocol| ["TCP", "UDP", "SCTP"].contains(&protocol))
            && matches!(words.next(), None | Some("PROTO" | "PORT" | "ADDR"))
            && words.next().is_none()
    };
    is_of_kubernetes(name, value)
        || name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.split_once("_PORT_").is_some_and(|(_, port)| is_port(port))
}

/// The declared name that is nearest, if it is near.
fn similar(name: &str) -> Option<String> {
    let (plain, end) = match name.strip_suffix("_FILE") {
        Some(plain) => (plain, "_FILE"),
        None => (name, ""),
    };
    let names = catalogue::all().flat_map(|setting| setting.names);
    let near = names.filter(|declared| !declared.contains('{')).filter_map(|declared| {
        let distance = strsim::osa_distance(plain, declared);
        (distance <= MAX_DISTANCE).then_some((distance, declared))
    });
    near.min().map(|(_, declared)| format!("{declared}{end}"))
}

#[cfg(test)]
mod tests {
    use crate::settings::tests::warnings;

    #[test]
    fn a_name_that_looks_like_a_setting_and_is_none_is_told() {
        for (name, expected) in [
            ("GLITCHTIP_DOMIAN", "GLITCHTIP_DOMIAN is no setting; GLITCHTIP_DOMAIN is one"),
            ("GLITCHTIP_URLS_FILE", "GLITCHTIP_URLS_FILE is no setting; GLITCHTIP_URL_FILE is one"),
            ("MISHAP_FLUX_CAPACITOR", "MISHAP_FLUX_CAPACITOR is no setting"),
            (
                "MISHAP_WEB_METRIC_PORT",
                "MISHAP_WEB_METRIC_PORT is no setting; \
                MISHAP_WEB_METRICS_PORT is one",
            ),
            ("MISHAP_SIGN_IN_X_COLOUR", "MISHAP_SIGN_IN_X_COLOUR is no setting"),
            ("APPSRE_API_USER_A_EMAIL", "APPSRE_API_USER_A_EMAIL is no setting"),
        ] {
            assert_eq!(warnings([(name, "9")]), [expected]);
        }
    }

    #[test]
    fn other_names_are_nobody_s_business() {
        let service = "tcp://172.30.1.2:8000";
        for (name, value) in [
            ("GLITCHTIPP_URL", "x"),
            ("HOME", "/"),
            ("GLITCHTIP_LICENSE_KEY", "ignored"),
            ("GLITCHTIP_LOG_RETENTION_DAYS", "9"),
            ("GLITCHTIP_INSTANCE_NAME_FILE", "/dev/null"),
            ("GLITCHTIP_WEB_PORT", service),
            ("GLITCHTIP_WEB_PORT_8000_TCP", service),
            ("GLITCHTIP_WEB_PORT_8000_TCP_PROTO", "tcp"),
            ("GLITCHTIP_WEB_SERVICE_PORT", "8000"),
            ("GLITCHTIP_WEB_SERVICE_PORT_HTTP", "8000"),
            ("GLITCHTIP_WEB_SERVICE_HOST", "172.30.1.2"),
        ] {
            assert_eq!(warnings([(name, value)]), [""; 0], "{name}");
        }
    }

    #[test]
    fn two_names_of_a_setting_that_disagree_are_told() {
        let first = ("GLITCHTIP_RETENTION_DAYS", "30");
        assert_eq!(
            warnings([first, ("GLITCHTIP_MAX_EVENT_LIFE_DAYS", "90")]),
            ["GLITCHTIP_RETENTION_DAYS counts, and not GLITCHTIP_MAX_EVENT_LIFE_DAYS, which says \
              something else"]
        );
        assert_eq!(warnings([first, ("GLITCHTIP_MAX_EVENT_LIFE_DAYS", "30")]), [""; 0]);
    }

    #[test]
    fn a_truth_value_that_is_none_is_told() {
        let warnings = warnings([("DEBUG", "ture")]);
        assert_eq!(warnings, ["DEBUG is \"ture\", which counts as False"]);
    }
}
