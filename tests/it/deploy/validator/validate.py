"""Validates objects, which are read as JSON from the standard input, and says what is wrong with them.

The input is {"versions": [...], "schemas": {"apiVersion Kind": path}, "objects": [...]}. An object is
held against the schema that is named for its kind, or else against those of Kubernetes, of every version;
what has no schema is wrong. The kind "compose-spec" is that of compose files. The output is a list of what
is wrong for each object.
"""

import functools
import json
import sys
from importlib import metadata

import jsonschema
import kubernetes_validate
import kubernetes_validate.utils

# The schemas of a version are megabytes, and read for each object otherwise.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)


def compose_schema():
    # The package brings the schema along; the program in it is not needed.
    vendored = "check_jsonschema/builtin_schemas/vendor/compose-spec.json"
    return json.loads(metadata.distribution("check-jsonschema").locate_file(vendored).read_text())


def by_schema(schema, thing):
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    for error in validator(schema).iter_errors(thing):
        yield f"{error.json_path}: {error.message}"


def by_kubernetes(versions, thing):
    for version in versions:
        try:
            kubernetes_validate.validate(thing, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{version}: {'.'.join(map(str, error.path))}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield error.message


def problems(asked):
    schemas = {kind: json.load(open(path)) for kind, path in asked["schemas"].items()}
    schemas["compose-spec"] = compose_schema()
    for thing in asked["objects"]:
        if "services" in thing:
            kind, name = "compose-spec", "file"
        else:
            kind, name = f"{thing['apiVersion']} {thing['kind']}", thing["metadata"].get("name")
        if kind in schemas:
            found = by_schema(schemas[kind], thing)
        else:
            found = by_kubernetes(asked["versions"], thing)
        yield [f"{kind} {name}: {problem}" for problem in found]


print(json.dumps(list(problems(json.load(sys.stdin)))))
