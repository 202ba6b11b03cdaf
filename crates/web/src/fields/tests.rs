use serde_json::json;

use super::*;

#[derive(Debug, PartialEq)]
struct Everything {
    name: String,
    slug: Option<String>,
    email: Option<EmailAddress>,
    send_invite: bool,
    rate: Option<i64>,
    role: Option<u8>,
    tags: Vec<String>,
    inner: Vec<Inner>,
}

#[derive(Debug, PartialEq)]
struct Inner {
    slug: String,
}

impl Payload for Inner {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self { slug: fields.slug("teamSlug", 50) }
    }
}

impl Payload for Everything {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            name: fields.text("name", 1..=8),
            slug: fields.optional_slug("slug", 8),
            email: fields.email("email"),
            send_invite: fields.boolean("sendInvite", Some(true)),
            rate: fields.optional_integer("eventThrottleRate", 0..=100),
            role: fields.optional_choice("orgRole", &[("member", 0), ("admin", 1)]),
            tags: fields.texts("tags", 2, 3),
            inner: fields.list("teamRoles", 3),
        }
    }
}

fn read(value: &Value) -> Result<Everything, Vec<FieldProblem>> {
    let object = value.as_object().unwrap().clone();
    Fields::parse(&object, &["body", "payload"])
}

/// What is wrong when one field of a good body is replaced: the kind and the way to it.
fn problem(name: &str, value: Value) -> (&'static str, Value) {
    let mut body = json!({ "name": "n", "email": "a@b.co" });
    body[name] = value;
    let problems = read(&body).unwrap_err();
    let [problem] = problems.as_slice() else {
        panic!("{problems:?}");
    };
    (problem.kind, serde_json::to_value(&problem.loc).unwrap())
}

#[test]
fn fields_are_read_by_either_name_and_coerced() {
    let body = json!({
        "name": "n", "slug": "a-B_1", "email": "a@b.co", "send_invite": "off",
        "event_throttle_rate": "7", "orgRole": "admin", "tags": ["x"],
        "team_roles": [{ "team_slug": "t" }], "unknown": [1],
    });
    let read = read(&body).unwrap();
    assert!(!read.send_invite);
    assert_eq!((read.rate, read.role, read.slug.as_deref()), (Some(7), Some(1), Some("a-B_1")));
    assert_eq!(read.inner, [Inner { slug: "t".to_owned() }]);
}

#[test]
fn what_may_be_left_out_may_be_null() {
    let body = json!({
        "name": "n", "email": "a@b.co", "slug": null, "eventThrottleRate": null, "orgRole": null,
        "tags": null, "teamRoles": null,
    });
    let read = read(&body).unwrap();
    assert!(read.send_invite);
    assert_eq!((read.rate, read.role, read.slug), (None, None, None));
}

#[test]
fn everything_that_is_wrong_is_told_with_its_place() {
    let place = |name: &str| json!(["body", "payload", name]);
    for (name, value, kind) in [
        ("name", json!(1), "string_type"),
        ("name", json!(""), "string_too_short"),
        ("name", json!("123456789"), "string_too_long"),
        ("name", json!("a\0"), "value_error"),
        ("slug", json!("a b"), "string_pattern_mismatch"),
        ("email", json!("nobody"), "value_error"),
        ("sendInvite", json!("perhaps"), "bool_parsing"),
        ("sendInvite", json!(null), "bool_type"),
        ("eventThrottleRate", json!("many"), "int_parsing"),
        ("eventThrottleRate", json!(1.5), "int_parsing"),
        ("eventThrottleRate", json!([]), "int_type"),
        ("eventThrottleRate", json!(-1), "greater_than_equal"),
        ("eventThrottleRate", json!(101), "less_than_equal"),
        ("orgRole", json!("king"), "literal_error"),
        ("tags", json!("x"), "list_type"),
        ("tags", json!(["a", "b", "c"]), "too_long"),
    ] {
        assert_eq!(problem(name, value.clone()), (kind, place(name)), "{name}: {value}");
    }
    let inner = problem("teamRoles", json!([{ "teamSlug": "t" }, {}]));
    assert_eq!(inner, ("missing", json!(["body", "payload", "teamRoles", 1, "teamSlug"])));
    let item = problem("tags", json!(["long enough"]));
    assert_eq!(item, ("string_too_long", json!(["body", "payload", "tags", 0])));
}

#[test]
fn several_problems_are_told_together() {
    let problems = read(&json!({})).unwrap_err();
    let kinds: Vec<_> = problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, ["missing", "missing"]);
}

#[test]
fn moments_are_read_with_and_without_a_zone() {
    for text in ["2024-01-02T03:04:05Z", "2024-01-02T05:04:05+02:00", "2024-01-02 03:04:05"] {
        assert_eq!(parse_time(text).unwrap().to_rfc3339(), "2024-01-02T03:04:05+00:00", "{text}");
    }
    assert_eq!(parse_time("1704164645").unwrap().to_rfc3339(), "2024-01-02T03:04:05+00:00");
    assert_eq!(parse_time("2024-01-02").unwrap().to_rfc3339(), "2024-01-02T00:00:00+00:00");
    for text in ["", "now", "1e300", "2024-13-01"] {
        assert_eq!(parse_time(text), None, "{text}");
    }
}
