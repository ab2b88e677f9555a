"""The pages, one module per path; each asks its questions first and then builds its elements."""
