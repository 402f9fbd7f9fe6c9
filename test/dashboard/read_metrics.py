#!/usr/bin/python3
"""Reads OpenMetrics text with Prometheus's own parser, and prints the families
as JSON: {name: {type, unit, help, samples: [[name, labels, value], ...]}}.
The parser raises where the text breaks a rule of the format."""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

families = {}
for family in text_string_to_metric_families(sys.stdin.buffer.read().decode("utf-8")):
    families[family.name] = {
        "type": family.type, "unit": family.unit, "help": family.documentation,
        "samples": [[sample.name, sample.labels, sample.value] for sample in family.samples]}
print(json.dumps(families))
