//! Parsers of what publishers of advisories publish: one folder each, registered in one table.
