"""Who may look at the pages, and what every request must satisfy."""
