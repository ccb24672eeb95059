"""One verb a person types, from Config to what was seen: read Observed, make the plan, carry it out."""
