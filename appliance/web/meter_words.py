"""What the meters' room says in English, in the visitor's language; what is not known here stays as it is."""

from __future__ import annotations

from appliance.web.languages import N_, _

MEDIA = (
    N_("other"),
    N_("oil"),
    N_("electricity"),
    N_("gas"),
    N_("heat"),
    N_("steam"),
    N_("warm water"),
    N_("water"),
    N_("heat cost allocator"),
    N_("compressed air"),
    N_("cooling return"),
    N_("cooling flow"),
    N_("heat flow"),
    N_("heat and cooling"),
    N_("bus"),
    N_("unknown"),
    N_("calorific value"),
    N_("hot water"),
    N_("cold water"),
    N_("dual water"),
    N_("pressure"),
    N_("ad converter"),
    N_("smoke detector"),
    N_("room sensor"),
    N_("gas detector"),
    N_("breaker"),
    N_("valve"),
    N_("customer unit"),
    N_("waste water"),
    N_("garbage"),
    N_("carbon dioxide"),
    N_("communication controller"),
    N_("unidirectional repeater"),
    N_("bidirectional repeater"),
    N_("radio converter system"),
    N_("radio converter meter"),
    N_("wired adapter"),
)
"""`appliance.mbus.medium.medium_name`."""

FUNCTIONS = (
    N_("instantaneous value"),
    N_("maximum value"),
    N_("minimum value"),
    N_("value during error state"),
)
"""`appliance.mbus.dib.FUNCTIONS`."""

QUANTITIES = (
    N_("energy"),
    N_("volume"),
    N_("mass"),
    N_("power"),
    N_("volume flow"),
    N_("volume flow ext."),
    N_("mass flow"),
    N_("flow temperature"),
    N_("return temperature"),
    N_("temperature difference"),
    N_("external temperature"),
    N_("relative humidity"),
    N_("on time"),
    N_("operating time"),
    N_("averaging duration"),
    N_("actuality duration"),
    N_("date"),
    N_("date and time"),
    N_("units for H.C.A."),
    N_("fabrication number"),
    N_("enhanced identification"),
    N_("address"),
    N_("error flags"),
    N_("voltage"),
    N_("current"),
    N_("manufacturer specific"),
)
"""Those of `appliance.mbus.primary` and the usual ones of the extension tables."""

STATES = (
    N_("no error"),
    N_("application busy"),
    N_("any application error"),
    N_("abnormal condition or alarm"),
    N_("low power"),
    N_("permanent error"),
    N_("temporary error"),
)
"""`appliance.mbus.application.status_words`."""


def words(text: str) -> str:
    """Translate a word of the standard; a quantity with its qualifiers piece by piece, as the standard lists them."""
    return ", ".join(_(piece) for piece in text.split(", "))
