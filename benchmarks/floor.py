"""The least that reading entries can cost: libyaml's loader and one prepared JSON Schema, and no judgement at all.

python -m benchmarks.floor CLONE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012


def main(root: Path) -> None:
    """Read every entry and hold it against the schema of its flow."""
    schemas = {path.name: json.loads(path.read_text()) for path in (root / "policies/schemas").glob("*.json")}
    resources = [(name, DRAFT202012.create_resource(schema)) for name, schema in schemas.items()]
    registry = Registry().with_resources(resources)
    for folder in sorted((root / "requests").iterdir()):
        schema = Draft202012Validator(schemas[f"{folder.name}.schema.json"], registry=registry)
        for path in sorted(folder.glob("*.yaml")):
            schema.validate(yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
