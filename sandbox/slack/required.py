"""What Slack's own client checks before it sends a form: required fields, lengths, numbers, addresses.

It must never know a rule of the product; those come back from the app as errors.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from .views import View, state_key

Json = dict[str, Any]
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://\S+")


def unfinished(view: View) -> dict[str, str]:
    """What the person must correct before Slack sends the form, by block_id."""
    errors: dict[str, str] = {}
    for block in view.blocks:
        if block["type"] == "input" and (error := _complaint(block, view)):
            errors[block["block_id"]] = error
    return errors


def _complaint(block: Json, view: View) -> str:
    element = block["element"]
    value = view.values[block["block_id"]][element["action_id"]][state_key(element) or ""]
    if value in (None, "", []):
        return "" if block.get("optional") else "Please complete this required field."
    return _wrong(element, value) if isinstance(value, str) else ""


def _wrong(element: Json, value: str) -> str:
    match element["type"]:
        case "plain_text_input":
            return _wrong_length(value, element.get("min_length", 0), element.get("max_length", 3000))
        case "email_text_input" if not _EMAIL.fullmatch(value):
            return "Please enter a valid email address."
        case "url_text_input" if not _URL.fullmatch(value):
            return "Please enter a valid URL."
        case "number_input":
            return _wrong_number(element, value)
    return ""


def _wrong_length(value: str, least: int, most: int) -> str:
    if len(value) < least:
        return f"Please enter at least {least} characters."
    return f"Please enter no more than {most} characters." if len(value) > most else ""


def _wrong_number(element: Json, value: str) -> str:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return "Please enter a valid number."
    if not element["is_decimal_allowed"] and number != number.to_integral_value():
        return "Please enter a whole number."
    if number < Decimal(element.get("min_value", "-Infinity")):
        return f"Please enter a number of at least {element['min_value']}."
    if number > Decimal(element.get("max_value", "Infinity")):
        return f"Please enter a number of at most {element['max_value']}."
    return ""
