"""A RAUC that does as the test says, as of release 1.13: for what a real one does in an image alone."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

from jeepney import HeaderFields, Message, MessageType, new_error, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

from tests.update.rig import COMPATIBLE, bus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAILED = "org.gtk.GDBus.UnmappedGError.Quark._g_2dio_2derror_2dquark.Code30"
"""What an error of RAUC's is called."""


class FakeRauc:
    """Answers on a bus until the test is over."""

    def __init__(self) -> None:
        self.operation, self.percent, self.message, self.last_error = "idle", 0, "", ""
        self.booted, self.primary = "A", "A"
        self.good = {"A": True, "B": False}
        self.version: dict[str, str] = {}
        self.update = {"compatible": COMPATIBLE, "version": "1.2.0", "build": "2026-11-20", "description": "Faster."}
        self.meta = {"cme3000": {"minimum-version": "1.0.0"}}
        self.inspected: list[str] = []
        self.installed: list[str] = []
        self.marks: list[tuple[str, str]] = []
        self.answers, self.is_asked = threading.Event(), threading.Event()
        """Whether it answers at all; set while a question waits for that."""
        self.answers.set()
        self.refusals: dict[str, str] = {}
        """What a method, or a method with its first argument, is answered in place of doing anything."""

    def finish(self, error: str = "") -> None:
        """Let the installation end; a good one makes slot B the one to start."""
        if not error:
            self.primary, self.version["B"] = "B", self.update["version"]
        self.last_error, self.percent, self.operation = error, 100, "idle"

    @contextlib.contextmanager
    def running(self, folder: Path) -> Iterator[str]:
        """Run it on a bus of its own; give the address."""
        folder.mkdir(parents=True, exist_ok=True)
        with bus(folder) as address, self.on(address):
            yield address

    @contextlib.contextmanager
    def on(self, address: str) -> Iterator[None]:
        """Run it on a bus."""
        with open_dbus_connection(address) as connection:
            connection.send_and_get_reply(message_bus.RequestName("de.pengutronix.rauc"), timeout=5)

            def serve() -> None:
                with contextlib.suppress(OSError):
                    while True:
                        message = connection.receive()
                        if message.header.message_type is MessageType.method_call:
                            connection.send(self._answer(message))

            thread = threading.Thread(target=serve)
            thread.start()
            try:
                yield
            finally:
                connection.sock.shutdown(socket.SHUT_RDWR)
                thread.join(10)

    def _answer(self, message: Message) -> Message:
        self.is_asked.set()
        self.answers.wait(20)
        self.is_asked.clear()
        method = message.header.fields[HeaderFields.member]
        first = str(message.body[0]) if message.body else ""
        refusal = self.refusals.get(method) or self.refusals.get(f"{method} {first}")
        if refusal:
            return new_error(message, FAILED, "s", (refusal,))
        signature, body = getattr(self, f"_{method}")(*message.body)
        return new_method_return(message, signature, body)

    def _GetAll(self, _: str) -> tuple[str, Any]:  # noqa: N802 (named as the method is)
        return "a{sv}", (
            {
                "Operation": ("s", self.operation),
                "LastError": ("s", self.last_error),
                "Progress": ("(isi)", (self.percent, self.message, 1)),
                "Compatible": ("s", COMPATIBLE),
                "Variant": ("s", ""),
                "BootSlot": ("s", self.booted),
            },
        )

    def _InspectBundle(self, source: str, _: object) -> tuple[str, Any]:  # noqa: N802 (as above)
        self.inspected.append(source)
        update = {key: ("s", value) for key, value in self.update.items()}
        # A variant within a variant, as GLib's dictionaries make them.
        return "a{sv}", (
            {
                "manifest-hash": ("s", "00"),
                "update": ("v", ("a{sv}", update)),
                "images": ("v", ("aa{sv}", [{"slot-class": ("s", "rootfs"), "size": ("t", 5)}])),
                "meta": ("v", ("a{sa{ss}}", self.meta)),
            },
        )

    def _InstallBundle(self, source: str, _: object) -> tuple[str, Any]:  # noqa: N802 (as above)
        self.installed.append(source)
        self.operation, self.last_error, self.percent = "installing", "", 0
        return "", ()

    def _GetSlotStatus(self) -> tuple[str, Any]:  # noqa: N802 (as above)
        slots = []
        for index, name in enumerate("AB"):
            status = {
                "bootname": ("s", name),
                "state": ("s", "booted" if name == self.booted else "inactive"),
                "boot-status": ("s", "good" if self.good[name] else "bad"),
            }
            if name in self.version:
                status |= {
                    "bundle.version": ("s", self.version[name]),
                    "status": ("s", "ok"),
                    "installed.timestamp": ("s", "2026-11-20T18:36:08Z"),
                }
            slots.append((f"rootfs.{index}", status))
        return "a(sa{sv})", (slots,)

    def _GetPrimary(self) -> tuple[str, Any]:  # noqa: N802 (as above)
        return "s", (f"rootfs.{'AB'.index(self.primary)}",)

    def _Mark(self, state: str, slot: str) -> tuple[str, Any]:  # noqa: N802 (as above)
        self.marks.append((state, slot))
        if (state, slot) == ("good", "booted"):
            self.good[self.booted] = True
        return "ss", ("rootfs.0", "done")
