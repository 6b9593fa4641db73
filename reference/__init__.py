"""The documentation site: reference pages made from the code, and what MkDocs is told beyond mkdocs.yml."""
