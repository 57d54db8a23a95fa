"""What to change in which PBX when a finding is bad. The pages in docs/pbx have the whole configurations."""

from collections.abc import Mapping

# What a PBX calls itself in Server or User-Agent (lower-case), and its name here.
_KNOWN = (
    ("fpbx", "Asterisk"),
    ("asterisk", "Asterisk"),
    ("freeswitch", "FreeSWITCH"),
    ("3cx", "3CX"),
    ("cisco-cucm", "Cisco CUCM"),
    ("kamailio", "Kamailio"),
    ("voicebot", "voicebot"),
)

_BEHIND_KAMAILIO = "it passes this on: the PBX behind it decides"

# What no setting of a PBX mends, but its packets may be marked.
_NETWORK: Mapping[str, str] = {
    "Asterisk": "endpoint: tos_audio=ef, and priority for that (or for rtp.conf rtpstart..rtpend) in switches and routers",
    "FreeSWITCH": "priority for rtp-start-port..rtp-end-port in switches and routers; no Wi-Fi between",
    "3CX": "priority for UDP 9000-10999 in switches and routers; no Wi-Fi between",
    "Cisco CUCM": "service parameter: DSCP for Audio Calls EF, and priority for that in switches and routers",
    "Kamailio": "rtpengine's --tos=184, and priority for that in switches and routers",
}

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "reachable": {
        "Asterisk": "pjsip.conf: a transport bound to that address and port; firewall",
        "FreeSWITCH": "sip profile: sip-ip, sip-port; `sofia status`",
        "3CX": "the SIP port of the system (5060); firewall and the IP blacklist",
        "Cisco CUCM": "SIP trunk security profile: incoming port and transport; the trunk needs our address as its destination",
        "Kamailio": "listen=udp:ADDRESS:5060; answer OPTIONS in request_route (sl_send_reply)",
        "voicebot": "sip.listen; trunks: our address in `networks`",
    },
    "certificate": {
        "Asterisk": "transport protocol=tls: cert_file, priv_key_file; here: sip.tls.ca",
        "FreeSWITCH": "tls-cert-dir with agent.pem; here: sip.tls.ca",
        "3CX": "Secure SIP: a certificate for the name that is called; here: sip.tls.ca",
        "Cisco CUCM": "the CallManager certificate must be signed for this name; here: sip.tls.ca",
        "Kamailio": "tls.cfg: certificate, private_key; here: sip.tls.ca",
    },
    "large-request": {
        "Asterisk": "use transport=tcp for the trunk; a firewall drops fragments",
        "FreeSWITCH": "use transport=tcp in the gateway's proxy; a firewall drops fragments",
        "3CX": "trunk: transport protocol TCP",
        "Cisco CUCM": "SIP trunk security profile: transport TCP",
        "Kamailio": "udp_mtu=1300, udp_mtu_try_proto=TCP; a firewall drops fragments",
    },
    "round-trip": {
        "Asterisk": "transport: tos=cs3; a way without VPN or satellite; `core show taskprocessors` for what is overloaded",
        "FreeSWITCH": "a way without VPN or satellite; `status` for its load",
        "3CX": "a way without VPN or satellite; the load of its machine",
        "Cisco CUCM": "a trunk of the node that is near: device pool, Cisco Unified CM Group",
    },
    "rport": {
        "Asterisk": "endpoint: force_rport=yes",
        "FreeSWITCH": "sip profile: NDLB-force-rport=true",
        "3CX": "it has no setting: no NAT between it and the hotline",
        "Cisco CUCM": "it knows no NAT: a route without one, or a session border controller (CUBE)",
        "Kamailio": "force_rport() in request_route",
    },
    "authentication": {
        "Asterisk": "identify: match=OUR ADDRESS, or endpoint: auth= with our user and password",
        "FreeSWITCH": "sip profile: apply-inbound-acl with our address, or a user in the directory",
        "3CX": "the extension's authentication ID and password, or the trunk by IP address",
        "Cisco CUCM": "SIP trunk security profile: Enable Digest Authentication; the application user's digest credentials",
        "Kamailio": "permissions: allow_source_address() with our address, or auth_db",
    },
    "answer": {
        "Asterisk": "dialplan: the extension in the endpoint's context; `core show channels`",
        "FreeSWITCH": "dialplan: the extension in the profile's context; `sofia global siptrace on`",
        "3CX": "inbound rule, or outbound rule, of that number",
        "Cisco CUCM": "calling search space of the trunk; SIP profile: Early Offer",
        "Kamailio": "where request_route relays that number; tm fr_timer",
    },
    "early-media": {
        "Asterisk": "dialplan: Progress() before what plays ahead of Answer()",
        "FreeSWITCH": "dialplan: pre_answer before what plays ahead of answer",
        "3CX": "it has no setting: what plays ahead of the answer comes from the phone or provider behind it",
        "Cisco CUCM": "SIP profile: SIP Rel1XX Options, Send PRACK if 1xx contains SDP",
    },
    "codec": {
        "Asterisk": "endpoint: disallow=all, allow=ulaw,alaw; no media_encryption, or media_encryption_optimistic=yes",
        "FreeSWITCH": "sip profile: inbound-codec-prefs, outbound-codec-prefs with PCMU,PCMA; rtp_secure_media not mandatory",
        "3CX": "trunk or extension: codec priority with G.711; SRTP not enforced",
        "Cisco CUCM": "region between trunk and phones: 64 kbps (G.711)",
    },
    "ptime": {
        "Asterisk": "endpoint: allow=ulaw:20,alaw:20, use_ptime=no",
        "FreeSWITCH": "codec string PCMU@20i",
        "3CX": "phones and gateways: 20 ms",
        "Cisco CUCM": "service parameter: Preferred G711 Millisecond Packet Size 20",
    },
    "contact": {
        "Asterisk": "transport: external_signaling_address, local_net",
        "FreeSWITCH": "sip profile: ext-sip-ip, local-network-acl",
        "3CX": "Settings, Network: public IP address",
        "Cisco CUCM": "it tells its node's address: a route without NAT, or a session border controller (CUBE)",
        "Kamailio": "record_route(); set_contact_alias() for what is behind a NAT",
    },
    "sdp-address": {
        "Asterisk": "transport: external_media_address, local_net; endpoint: direct_media=no",
        "FreeSWITCH": "sip profile: ext-rtp-ip, local-network-acl; not bypass_media",
        "3CX": "Settings, Network: public IP address; trunk: PBX delivers audio",
        "Cisco CUCM": "trunk: Media Termination Point Required; or routes between phones and the hotline",
        "Kamailio": "rtpengine_manage() with replace-origin",
    },
    "rtp-source": {
        "Asterisk": "endpoint: rtp_symmetric=yes, direct_media=no",
        "FreeSWITCH": "not disable-rtp-auto-adjust; not bypass_media",
        "3CX": "trunk: PBX delivers audio",
        "Cisco CUCM": "trunk: Media Termination Point Required",
    },
    "audio-received": {
        "Asterisk": "rtp.conf rtpstart..rtpend in the firewall; endpoint: direct_media=no; external_media_address",
        "FreeSWITCH": "rtp-start-port..rtp-end-port in the firewall; ext-rtp-ip",
        "3CX": "UDP 9000-10999 in the firewall; trunk: PBX delivers audio",
        "Cisco CUCM": "phones need a route to the hotline's media.ports; or Media Termination Point Required",
        "Kamailio": "rtpengine's --port-min..--port-max in the firewall",
    },
    "audio-sent": {
        "Asterisk": "rtp.conf rtpstart..rtpend in the firewall; endpoint: rtp_symmetric=yes",
        "FreeSWITCH": "rtp-start-port..rtp-end-port in the firewall",
        "3CX": "UDP 9000-10999 in the firewall",
        "Cisco CUCM": "a route and no firewall from here to the phones",
    },
    "loss": _NETWORK,
    "order": _NETWORK,
    "jitter": _NETWORK,
    "gaps": {
        **_NETWORK,
        "Asterisk": "`timing test`: res_timing_timerfd; a processor for itself, no overbooked virtual machine",
        "FreeSWITCH": "switch.conf: 1ms-timer; rtp-timer-name=soft; no overbooked virtual machine",
    },
    "silence-suppression": {
        "Asterisk": "asterisk.conf: transmit_silence=yes; phones: VAD off",
        "FreeSWITCH": "sip profile: suppress-cng=true, vad=none",
        "3CX": "phones and gateways: VAD off",
        "Cisco CUCM": "service parameters: Silence Suppression False",
    },
    "echo": {
        "Asterisk": "no JITTERBUFFER() in the extension; the network as for `jitter`",
        "FreeSWITCH": "no jitterbuffer_msec in the extension; the network as for `jitter`",
        "3CX": "PBX delivers audio off where phones and hotline reach each other; the network as for `jitter`",
        "Cisco CUCM": "no transcoder or MTP far away: media resource group list; the network as for `jitter`",
    },
    "transcoding": {
        "Asterisk": "allow= with the same codec on both endpoints",
        "FreeSWITCH": "inherit_codec=true, or late negotiation (inbound-late-negotiation)",
        "3CX": "the same codec first in the codec priority of both sides",
        "Cisco CUCM": "one region, G.711 on both sides",
    },
    "dtmf": {
        "Asterisk": "endpoint: dtmf_mode=rfc4733",
        "FreeSWITCH": "sip profile: dtmf-type=rfc2833, rfc2833-pt=101",
        "3CX": "RFC 2833 is the default: the phone or gateway behind it must offer it",
        "Cisco CUCM": "trunk: DTMF Signaling Method RFC 2833",
    },
    "hold": {
        "Asterisk": "endpoint: moh_passthrough=yes passes hold on; direct_media=no",
        "FreeSWITCH": "sip profile: not disable-hold",
        "3CX": "trunk: Supports Re-INVITE",
        "Cisco CUCM": "SIP profile: Send send-receive SDP in mid-call INVITE off; service parameter Duplex Streaming Enabled",
    },
    "resume": {
        "Asterisk": "endpoint: direct_media=no, rtp_symmetric=yes",
        "FreeSWITCH": "not bypass_media; sip profile: resume-media-on-hold",
        "3CX": "trunk: Supports Re-INVITE",
        "Cisco CUCM": "SIP profile: Early Offer for mid-call INVITE",
    },
    "update": {
        "Asterisk": "transport: external_signaling_address, local_net, since an UPDATE goes to its Contact",
        "FreeSWITCH": "sip profile: enable-timer=false where UPDATE is refused",
        "3CX": "it has no setting: what it does not take has to be left out of its Allow by the phone or provider behind it",
        "Cisco CUCM": "SIP profile: Session Refresh Method Invite",
    },
    "session-timer": {
        "Asterisk": "endpoint: timers=yes, timers_min_se=90, timers_sess_expires=1800",
        "FreeSWITCH": "sip profile: enable-timer, session-timeout=1800, minimum-session-expires=120",
        "3CX": "it has no setting: the timer of the phone or provider behind it, 90 s or more, with a refresher",
        "Cisco CUCM": "service parameters: SIP Session Expires Timer, SIP Min-SE Value",
    },
    "refer": {
        "Asterisk": "endpoint: allow_transfer=yes; the target in the endpoint's context (TRANSFER_CONTEXT); a bridged call",
        "FreeSWITCH": "sip profile: not disable-transfer; the target in the call's dialplan context",
        "3CX": "trunk: allow REFER; otherwise mode: bridge in the dialplan",
        "Cisco CUCM": "SIP trunk security profile: Accept out-of-dialog refer; rerouting calling search space of the trunk",
        "Kamailio": "it passes REFER on: the PBX behind it decides",
    },
    "stability": {
        "Asterisk": "the extension's dialplan ends, or rtp_timeout, rtp_timeout_hold of the endpoint; a number that stays is enough",
        "FreeSWITCH": "the extension's dialplan ends, or rtp-timeout-sec of the profile; a number that stays is enough",
        "3CX": "a menu or mailbox ends by itself: call *777, the echo test",
        "Cisco CUCM": "service parameter: Maximum Call Duration Timer; or whoever was called hung up",
    },
}


def settings_for(name: str, software: str) -> dict[str, str]:
    """Return what to change for a finding: of the PBX that names itself so, else of each that we know."""
    found = dict(SETTINGS.get(name, {}))
    own = next((pbx for mark, pbx in _KNOWN if mark in software.lower()), None)
    if own == "Kamailio":
        return {own: found.get(own, _BEHIND_KAMAILIO)}
    if own is not None:
        return {own: found[own]} if own in found else {}
    found.pop("voicebot", None)
    return found
