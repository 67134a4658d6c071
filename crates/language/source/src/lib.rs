//! Source text, positions and diagnostics: how every message about a document is made. Pure.
