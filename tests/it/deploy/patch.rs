//! JSON Patch (RFC 6902), as far as manifests and the cases of the lint use it.

use serde_json::Value;

/// Applies a list of operations.
pub(super) fn apply(target: &mut Value, operations: &Value) -> Result<(), String> {
    let operations = operations.as_array().ok_or("a patch is a list of operations")?;
    operations.iter().try_for_each(|operation| step(target, operation))
}

fn step(target: &mut Value, operation: &Value) -> Result<(), String> {
    let op = operation["op"].as_str().ok_or("an operation has an op")?;
    let path = operation["path"].as_str().ok_or("an operation has a path")?;
    let nowhere = || format!("{op} {path}: there is nothing");
    let (parent, last) = path.rsplit_once('/').ok_or_else(nowhere)?;
    let parent = target.pointer_mut(parent).ok_or_else(nowhere)?;
    let key = last.replace("~1", "/").replace("~0", "~");
    let value = || operation.get("value").cloned().ok_or_else(|| format!("{op} {path} what?"));
    match (op, parent) {
        ("add", Value::Object(entries)) => {
            entries.insert(key, value()?);
        }
        ("add", Value::Array(items)) if key == "-" => items.push(value()?),
        ("add", Value::Array(items)) => {
            let place = key.parse().ok().filter(|place| *place <= items.len());
            items.insert(place.ok_or_else(nowhere)?, value()?);
        }
        ("replace", parent) => {
            *parent.pointer_mut(&format!("/{last}")).ok_or_else(nowhere)? = value()?;
        }
        ("remove", Value::Object(entries)) => {
            entries.remove(&key).ok_or_else(nowhere)?;
        }
        ("remove", Value::Array(items)) => {
            let place = key.parse().ok().filter(|place| *place < items.len());
            items.remove(place.ok_or_else(nowhere)?);
        }
        _ => return Err(format!("{op} is not understood")),
    }
    Ok(())
}

#[test]
fn operations_change_what_they_name() {
    let mut target = serde_json::json!({ "a": { "b/c": 1 }, "l": [1, 2] });
    let operations = serde_json::json!([
        { "op": "replace", "path": "/a/b~1c", "value": 2 },
        { "op": "add", "path": "/a/d", "value": 3 },
        { "op": "add", "path": "/l/-", "value": 3 },
        { "op": "add", "path": "/l/0", "value": 0 },
        { "op": "remove", "path": "/l/1" },
    ]);
    apply(&mut target, &operations).unwrap();
    assert_eq!(target, serde_json::json!({ "a": { "b/c": 2, "d": 3 }, "l": [0, 2, 3] }));
}

#[test]
fn operations_on_what_is_not_there_are_refused() {
    for operation in [
        serde_json::json!({ "op": "replace", "path": "/x", "value": 1 }),
        serde_json::json!({ "op": "remove", "path": "/x" }),
        serde_json::json!({ "op": "remove", "path": "/l/1" }),
        serde_json::json!({ "op": "add", "path": "/l/2", "value": 1 }),
        serde_json::json!({ "op": "add", "path": "/x/y", "value": 1 }),
        serde_json::json!({ "op": "add", "path": "/y" }),
        serde_json::json!({ "op": "move", "path": "/l", "from": "/k" }),
    ] {
        let mut target = serde_json::json!({ "l": [1] });
        assert!(apply(&mut target, &serde_json::json!([operation])).is_err(), "{operation}");
    }
}
