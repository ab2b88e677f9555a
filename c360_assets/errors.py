"""Every error that c360 raises on purpose, by what the caller can do about it.

* C360Error
  * ConfigError           a setting or c360.toml is wrong: mend it, run again (also a ValueError)
  * SourceError           a raw table cannot be read at all: mend the file (also a ValueError)
  * MergeFileError        a merge file cannot be read at all: mend the file (also a ValueError)
  * ContractError         a name or column that the contract does not have (also a ValueError)
  * WarehouseError        the engine refused a statement
    * WarehouseBusyError  another process holds the warehouse: wait, or raise the patience
  * NothingPublishedError there is no published copy yet: run the pipeline first
  * RequestError          a command was asked for what there is not: ask again (also a ValueError)
  * PublishRefusedError   a blocking check's latest result is a failure: mend its cause first
  * DeliveryError         a destination could not take the delivery: nothing was replaced
  * LedgerError           the ledger of a CRM cannot be used: see its text, never remove it
  * CrmError              a CRM could not be used: mend the cause (key? address?), run again
    * RowsRefusedError    a CRM refused a whole call because of rows in it: send fewer at once
    * OutcomeUnknownError a call may have arrived or not: read the records back before sending
  * AlertError            an alert channel could not deliver: it is tried again
    * AlertRefusedError   a channel is up and refuses this one message

Bad rows inside a readable file never raise: they go to `ops.rejected_rows`.
"""

from __future__ import annotations


class C360Error(Exception):
    """Root of every error that c360 raises on purpose. Its text names the remedy."""


class ConfigError(C360Error, ValueError):
    """A setting, environment variable or entry of c360.toml is wrong."""


class SourceError(C360Error, ValueError):
    """A raw table is missing or cannot be read; the text names file, column and what was found."""


class MergeFileError(C360Error, ValueError):
    """A merge file cannot be read at all (a bad row inside a readable one is only refused)."""


class ContractError(C360Error, ValueError):
    """Code asked for a table or column that the contract does not name."""


class WarehouseError(C360Error):
    """The engine refused a statement; the previous version of the table stands."""


class WarehouseBusyError(WarehouseError):
    """Another process holds the warehouse lock for longer than the patience."""


class PublishRefusedError(C360Error):
    """A blocking check's latest result is a failure, so the published copy stays as it was."""


class NothingPublishedError(C360Error):
    """There is no published copy yet; the text says how to make one."""


class RequestError(C360Error, ValueError):
    """A command was asked for what there is not; the text lists what there is."""


class DeliveryError(C360Error):
    """A destination could not take a delivery; the last delivery stands."""


class LedgerError(C360Error):
    """The ledger of a CRM cannot be used; it is left as it is."""


class CrmError(C360Error):
    """A CRM could not be used at all; what was not acknowledged is sent by the next run."""


class RowsRefusedError(CrmError):
    """A CRM refused a whole call because of some row in it; the text is what it said."""


class OutcomeUnknownError(CrmError):
    """A call may have arrived or not; its rows are read back before they are sent again."""


class AlertError(C360Error):
    """An alert channel could not deliver; the sensor tries again on its next tick."""


class AlertRefusedError(AlertError):
    """A channel is up and refuses this one message; the next message may well pass."""
