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
    "rport": {
        "Asterisk": "endpoint: force_rport=yes",
        "FreeSWITCH": "sip profile: NDLB-force-rport=true",
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
    "codec": {
        "Asterisk": "endpoint: disallow=all, allow=ulaw,alaw",
        "FreeSWITCH": "sip profile: inbound-codec-prefs, outbound-codec-prefs with PCMU,PCMA",
        "3CX": "trunk or extension: codec priority with G.711",
        "Cisco CUCM": "region between trunk and phones: 64 kbps (G.711)",
    },
    "ptime": {
        "Asterisk": "endpoint: allow=ulaw:20,alaw:20, use_ptime=no",
        "FreeSWITCH": "codec string PCMU@20i",
        "Cisco CUCM": "service parameter: Preferred G711 Millisecond Packet Size 20",
    },
    "contact": {
        "Asterisk": "transport: external_signaling_address, local_net",
        "FreeSWITCH": "sip profile: ext-sip-ip, local-network-acl",
        "3CX": "Settings, Network: public IP address",
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
    "silence-suppression": {
        "Asterisk": "asterisk.conf: transmit_silence=yes; phones: VAD off",
        "FreeSWITCH": "sip profile: suppress-cng=true, vad=none",
        "3CX": "phones and gateways: VAD off",
        "Cisco CUCM": "service parameters: Silence Suppression False",
    },
    "transcoding": {
        "Asterisk": "allow= with the same codec on both endpoints",
        "FreeSWITCH": "inherit_codec=true, or late negotiation (inbound-late-negotiation)",
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
        "3CX": "trunk: Supports Re-INVITE",
        "Cisco CUCM": "SIP profile: Early Offer for mid-call INVITE",
    },
    "update": {
        "Cisco CUCM": "SIP profile: Session Refresh Method Invite",
        "FreeSWITCH": "sip profile: enable-timer=false where UPDATE is refused",
    },
    "session-timer": {
        "Asterisk": "endpoint: timers=yes, timers_min_se=90, timers_sess_expires=1800",
        "FreeSWITCH": "sip profile: enable-timer, session-timeout=1800, minimum-session-expires=120",
        "Cisco CUCM": "service parameters: SIP Session Expires Timer, SIP Min-SE Value",
    },
    "refer": {
        "Asterisk": "endpoint: allow_transfer=yes; the target in the endpoint's context (TRANSFER_CONTEXT); a bridged call",
        "FreeSWITCH": "sip profile: not disable-transfer; the target in the call's dialplan context",
        "3CX": "trunk: allow REFER; otherwise mode: bridge in the dialplan",
        "Cisco CUCM": "SIP trunk security profile: Accept out-of-dialog refer; rerouting calling search space of the trunk",
        "Kamailio": "it passes REFER on: the PBX behind it decides",
    },
}


def settings_for(name: str, software: str) -> dict[str, str]:
    """Return what to change for a finding: of the PBX that names itself so, else of each that we know."""
    found = dict(SETTINGS.get(name, {}))
    own = next((pbx for mark, pbx in _KNOWN if mark in software.lower()), None)
    if own is not None:
        return {own: found[own]} if own in found else {}
    found.pop("voicebot", None)
    return found
