#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""validate.py SCHEMA DOCUMENT...: says what in the documents is not as the schema says; status 1 if there is anything.

A file NAME.jsonl holds a document a line. A schema that is none, or whose number is not the one in its name, is refused
first."""
import json
import re
import sys

from jsonschema import Draft202012Validator


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def documents_in(path):
    if not path.endswith(".jsonl"):
        return [load(path)]
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


# The number stands in every document; in an export in its first line.
def number_of(schema):
    head = schema["$defs"]["head"]["properties"]["feedline_export"] if "oneOf" in schema else schema["properties"]["schema"]
    return head["const"]


def main(path, documents):
    schema = load(path)
    Draft202012Validator.check_schema(schema)
    number = int(re.search(r"-([0-9]+)\.json$", path).group(1))
    if number_of(schema) != number or not schema["$id"].endswith(f":{number}"):
        sys.exit(f"{path}: its number is not {number}")
    validator = Draft202012Validator(schema)
    wrong = 0
    for document in documents:
        for content in documents_in(document):
            for error in validator.iter_errors(content):
                wrong += 1
                print(f"{document}: {error.json_path}: {error.message[:300]}")
    sys.exit(1 if wrong else 0)


main(sys.argv[1], sys.argv[2:])
