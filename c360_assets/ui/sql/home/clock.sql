-- One row: the time from which the published figures count back; null where nobody ordered.
select max(as_of) as clock from marts.rfm_segments
