# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""A small service for rooms (XEP-0045) on a component of ours, for tests in which people of other servers join it.

It knows rooms, nicknames, presence and groupchat, and nothing else; talk.py has the component.
"""


class Rooms:
    """Rooms that exist when somebody joins. Everything happens in the loop's thread of the component."""

    def __init__(self, component):
        self.component, self.people = component, {}  # "room@service/nick" -> full JID
        component.take = self.take

    def _write(self, xml):
        self.component.xmpp.send_raw(xml)

    def others(self, room):
        return {place: jid for place, jid in self.people.items() if place.startswith(f"{room}/")}

    def take(self, stanza):
        room, place, who = stanza["to"].bare, stanza["to"].full, stanza["from"].full
        if stanza.name == "presence" and stanza["type"] == "unavailable":
            self.tell(room, place, " type='unavailable'")
            self.people.pop(place, None)
        elif stanza.name == "presence" and stanza["type"] not in ("error", "subscribe"):
            for occupant in self.others(room):
                self._write(self.presence(occupant, who))
            self.people[place] = who
            self.tell(room, place)
        elif stanza.name == "message" and stanza["type"] == "groupchat":
            speaker = next(p for p, jid in self.others(room).items() if jid == who)
            for jid in self.others(room).values():
                self._write(f"<message type='groupchat' from='{speaker}' to='{jid}' id='{stanza['id']}'>"
                            f"<body>{stanza['body']}</body></message>")

    def tell(self, room, place, more=""):
        for jid in self.others(room).values():
            self._write(self.presence(place, jid, more, jid == self.people.get(place)))

    @staticmethod
    def presence(place, jid, more="", self_presence=False):
        status = "<status code='110'/>" if self_presence else ""
        return (f"<presence from='{place}' to='{jid}'{more}><x xmlns='http://jabber.org/protocol/muc#user'>"
                f"<item affiliation='none' role='participant'/>{status}</x></presence>")
