"""Who is who: addresses, merge files and the journal of decisions folded into chains."""
