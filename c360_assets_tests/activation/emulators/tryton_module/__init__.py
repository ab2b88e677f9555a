"""A module of Tryton, as companies write them: fields of its own, parties that nobody may write.

Loaded by the server that the tests start, and by nothing else.
"""
