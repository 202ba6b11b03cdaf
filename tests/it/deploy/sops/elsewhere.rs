//! Commands that cannot run here: which there may be, and what they may name.

use super::page::words;

/// What `oc` may be asked to do.
const OC: &[&str] = &[
    "annotate", "apply", "create", "debug", "delete", "describe", "exec", "get", "logs", "patch",
    "process", "project", "rollout", "scale", "set",
];

/// What `oc rollout` may be asked to do.
const ROLLOUT: &[&str] = &["history", "restart", "status", "undo"];

/// Kinds of objects that are looked at.
const KINDS: &[&str] = &[
    "deploy",
    "endpoints",
    "events",
    "hpa",
    "jobs",
    "networkpolicy",
    "pdb",
    "pods",
    "scaledobject",
    "secret",
    "servicemonitor",
];

/// Objects of the manifests, and secrets that they want.
const OBJECTS: &[&str] = &[
    "glitchtip-beat",
    "glitchtip-configmap",
    "glitchtip-rds",
    "glitchtip-s3",
    "glitchtip-secret",
    "glitchtip-web",
    "glitchtip-worker",
    "redis-url",
    "smtp",
    // The page on rotation makes it itself.
    "glitchtip-former-key",
];

/// The label by which pods are told apart, and its values.
const LABEL: &str = "app.kubernetes.io/component=";
const COMPONENTS: &[&str] = &["beat", "web", "worker"];

/// Containers that run before a pod's program, and have logs of their own.
const INIT_CONTAINERS: &[&str] = &["init-api-users", "init-migration"];

/// What holds the number of workers, whatever KEDA would do.
const PAUSED: &str = "autoscaling.keda.sh/paused-replicas";

/// Files that `oc process` is given; [`applied`](super::applied) looks at what they make together.
const FILES: &[&str] =
    &["openshift/acceptance.yaml", "openshift/template.yaml", "$ACCEPTANCE", "$PARAMS", "$SECRETS"];

/// Parameters of the template that pages set, and settings of programs.
const NAMES: &[&str] =
    &["IMAGE_TAG", "MAINTENANCE_EVENT_FREEZE", "SECRET_KEY_FALLBACKS", "VALKEY_URL"];

/// What the cloud's own command is asked.
const AWS: &[(&str, &[&str])] = &[
    ("cloudwatch", &["get-metric-statistics"]),
    (
        "elasticache",
        &["describe-events", "describe-replication-groups", "modify-replication-group"],
    ),
    (
        "rds",
        &[
            "create-db-snapshot",
            "describe-db-instances",
            "describe-events",
            "modify-db-instance",
            "restore-db-instance-to-point-in-time",
            "wait",
        ],
    ),
];

/// Says what is wrong with a line of commands of which none runs here.
pub(super) fn check(line: &str) -> Result<(), String> {
    line.split('|').try_for_each(|command| check_one(&words(command)))
}

fn check_one(words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["export", assignments @ ..] if assignments.iter().all(|it| it.contains('=')) => Ok(()),
        ["aws", service, verb, ..] => {
            let verbs = AWS.iter().find(|(name, _)| name == service).map(|(_, verbs)| *verbs);
            let is_known = verbs.is_some_and(|verbs| verbs.contains(verb));
            is_known.then_some(()).ok_or_else(|| format!("aws {service} {verb} is not on the list"))
        }
        ["oc", verb, rest @ ..] if OC.contains(verb) => check_oc(verb, rest),
        _ => Err(format!("{words:?} is no command that may stand in a page")),
    }
}

fn check_oc(verb: &str, words: &[&str]) -> Result<(), String> {
    let refused = |what: &str| Err(format!("oc {verb}: {what} is not on the list"));
    let mut words = words.iter().copied();
    match verb {
        // Where it goes; what is behind it runs here.
        "project" => return Ok(()),
        "rollout" if !words.next().is_some_and(|it| ROLLOUT.contains(&it)) => {
            return refused("what a rollout is to do");
        }
        "set" if words.next() != Some("env") => return refused("what is to be set"),
        "create" if words.by_ref().take(2).collect::<Vec<_>>() != ["secret", "generic"] => {
            return refused("what is to be made");
        }
        _ => {}
    }
    while let Some(word) = words.next() {
        let (kind, name) = word.split_once('/').unwrap_or(("", word));
        let is_good = match word {
            "-l" => words.next().is_some_and(|label| {
                label.strip_prefix(LABEL).is_some_and(|it| COMPONENTS.contains(&it))
            }),
            "-f" => words.next().is_some_and(|it| it == "-" || FILES.contains(&it)),
            "-o" => words.next().is_some(),
            "-c" => words.next().is_some_and(|name| INIT_CONTAINERS.contains(&name)),
            "-p" => words.next().is_some_and(|it| NAMES.contains(&name_of(it))),
            _ if word.starts_with("--") => {
                let of = |flag| word.strip_prefix(flag);
                of("--param-file=").is_none_or(|file| FILES.contains(&file))
                    && of("--from=secret/").is_none_or(|name| OBJECTS.contains(&name))
            }
            _ if verb == "annotate" && word.starts_with(PAUSED) => true,
            _ if OBJECTS.contains(&name) => kind.is_empty() || KINDS.contains(&kind),
            _ if word.split(',').all(|kind| KINDS.contains(&kind)) => true,
            _ => NAMES.contains(&name_of(word)),
        };
        if !is_good {
            return refused(word);
        }
    }
    Ok(())
}

/// What is set by `NAME=value`, or taken back by `NAME-`.
fn name_of(word: &str) -> &str {
    word.split('=').next().unwrap_or_default().trim_end_matches('-')
}

#[test]
fn what_does_not_exist_is_refused() {
    for line in [
        "oc rollout restart deploy/glitchtip-web",
        "oc get pods -l app.kubernetes.io/component=worker",
        "oc logs -l app.kubernetes.io/component=beat -c init-migration",
        "oc process --local -f openshift/template.yaml -p IMAGE_TAG=$TAG | oc apply -f -",
        "aws rds describe-events --duration 60",
        "export NS=glitchtip-production",
    ] {
        check(line).unwrap();
    }
    for line in [
        "oc rollout restart deploy/mishap-web",
        "oc rollout forward deploy/glitchtip-web",
        "oc get pods -l app=worker",
        "oc adm drain node",
        "oc process --local -f openshift/other.yaml",
        "oc logs -l app.kubernetes.io/component=beat -c migration",
        "oc process --local -f openshift/template.yaml -p IMAGETAG=$TAG | oc apply -f -",
        "oc process --local -f openshift/template.yaml --param-file=production.params",
        "aws rds delete-db-instance",
        "curl http://localhost",
        "rm -rf /",
    ] {
        assert!(check(line).is_err(), "{line}");
    }
}
