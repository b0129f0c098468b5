# SPDX-License-Identifier: Apache-2.0
"""What the tests of schemas and tools ask for, and the model that they ask."""
import typing
import unittest

import pydantic

MODEL = "qwen2.5-coder-0.5b-instruct-q4_k_m"
TEXT = "Extract the event: Alice and Bob meet in Oslo on Friday at 9."
WEATHER = "What is the weather in Oslo? Use the tool."


class Place(pydantic.BaseModel):
    city: str
    country: typing.Optional[str]


class Event(pydantic.BaseModel):
    """A meeting."""
    people: list[str] = pydantic.Field(max_length=4)
    day: typing.Literal["Monday", "Friday", "Sunday"]
    hour: int = pydantic.Field(ge=0, le=23)
    place: Place


class GetWeather(pydantic.BaseModel):
    """The weather of a city."""
    city: str
    unit: typing.Literal["C", "F"]


def asked(question):
    return [{"role": "user", "content": question}]


class Case(unittest.TestCase):
    def expect_event(self, event):
        self.assertIsInstance(event, Event)
        self.assertIn("Alice", " ".join(event.people))
        self.assertEqual((event.day, event.hour, event.place.city), ("Friday", 9, "Oslo"))

    def expect_weather(self, name, arguments):
        self.assertEqual(name, "GetWeather")
        self.assertIn("Oslo", GetWeather.model_validate(arguments).city)
