"""Tickets as files of other tools: one file for each format. docs/exchange.md says what each keeps and loses."""
