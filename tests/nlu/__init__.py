"""Tests of intents and slots."""
