-- SPDX-FileCopyrightText: The Fedway authors
-- SPDX-License-Identifier: Apache-2.0
--
-- Prosody's mod_smacks offers <sm/> only in features that follow authentication, and a dialback stream has none. This
-- makes the offer before it, as Fedway does; what is done with it is mod_smacks' own.
module:hook("s2s-stream-features", function (event)
	if event.origin.type == "s2sin_unauthed" and event.origin.secure then
		event.features:tag("sm", { xmlns = "urn:xmpp:sm:3" }):up();
	end
end);
