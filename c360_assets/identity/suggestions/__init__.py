"""Suggested merges: which contacts may be one person, and which domains one company.

`candidates` puts it together; the SQL files choose and compare pairs; `traits` says what is
compared, `model` estimates with Splink how much each likeness weighs, `judging` scores, `precision`
holds the scores against what people decided. Not here: deciding. A person does that, in a merge
file.
"""
