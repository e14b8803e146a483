"""The words of the product: every event, field, cookie, dimension and metric, declared once.

A name may enter here only if a visitor's browser sends it, a column holds it, or a reader may ask for it.
Wire validation, the gate, the table check at start, the Stats API's schema, the notice and the reference docs
are derived from these declarations. Nothing here does input or output, and nothing needs more than msgspec.
"""
