"""The findings for people: in their language, with the line that is meant, and what each code is about."""
