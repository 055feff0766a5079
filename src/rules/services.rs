//! Ports by service name.
//!
//! Source: the IANA Service Name and Transport Protocol Port Number Registry, restricted to the names that
//! `/etc/services` of common distributions has. A local services database differs from host to host; a fixed
//! table gives the same answer everywhere.

/// Names with their ports, sorted by name.
static SERVICES: &[(&str, u16)] = &[
    ("afs3-fileserver", 7000),
    ("amqp", 5672),
    ("amqps", 5671),
    ("auth", 113),
    ("bgp", 179),
    ("biff", 512),
    ("bootpc", 68),
    ("bootps", 67),
    ("chargen", 19),
    ("cvspserver", 2401),
    ("daytime", 13),
    ("dhcpv6-client", 546),
    ("dhcpv6-server", 547),
    ("dict", 2628),
    ("discard", 9),
    ("distcc", 3632),
    ("domain", 53),
    ("domain-s", 853),
    ("echo", 7),
    ("epmd", 4369),
    ("exec", 512),
    ("finger", 79),
    ("ftp", 21),
    ("ftp-data", 20),
    ("ftps", 990),
    ("ftps-data", 989),
    ("git", 9418),
    ("gopher", 70),
    ("gsiftp", 2811),
    ("http", 80),
    ("http-alt", 8080),
    ("https", 443),
    ("imap", 143),
    ("imap2", 143),
    ("imaps", 993),
    ("ipp", 631),
    ("irc", 194),
    ("ircd", 6667),
    ("ircs-u", 6697),
    ("isakmp", 500),
    ("iscsi-target", 3260),
    ("kerberos", 88),
    ("kerberos-adm", 749),
    ("klogin", 543),
    ("kpasswd", 464),
    ("kshell", 544),
    ("l2f", 1701),
    ("ldap", 389),
    ("ldaps", 636),
    ("login", 513),
    ("microsoft-ds", 445),
    ("mongodb", 27017),
    ("mqtt", 1883),
    ("ms-sql-m", 1434),
    ("ms-sql-s", 1433),
    ("mysql", 3306),
    ("mysql-proxy", 6446),
    ("netbios-dgm", 138),
    ("netbios-ns", 137),
    ("netbios-ssn", 139),
    ("netstat", 15),
    ("nfs", 2049),
    ("nntp", 119),
    ("nntps", 563),
    ("ntp", 123),
    ("openvpn", 1194),
    ("ospfd", 2604),
    ("pop2", 109),
    ("pop3", 110),
    ("pop3s", 995),
    ("postgresql", 5432),
    ("printer", 515),
    ("radius", 1812),
    ("radius-acct", 1813),
    ("rdp", 3389),
    ("redis", 6379),
    ("rfb", 5900),
    ("rlp", 39),
    ("rsync", 873),
    ("rtsp", 554),
    ("sane-port", 6566),
    ("shell", 514),
    ("sip", 5060),
    ("sip-tls", 5061),
    ("smtp", 25),
    ("snmp", 161),
    ("snmp-trap", 162),
    ("socks", 1080),
    ("ssh", 22),
    ("submission", 587),
    ("submissions", 465),
    ("sunrpc", 111),
    ("svn", 3690),
    ("syslog", 514),
    ("syslog-tls", 6514),
    ("systat", 11),
    ("tacacs", 49),
    ("talk", 517),
    ("telnet", 23),
    ("telnets", 992),
    ("tftp", 69),
    ("time", 37),
    ("vnc-server", 5900),
    ("webcache", 8080),
    ("who", 513),
    ("whois", 43),
    ("x11", 6000),
    ("xdmcp", 177),
    ("xmpp-client", 5222),
    ("xmpp-server", 5269),
    ("zabbix-agent", 10050),
    ("zabbix-trapper", 10051),
];

/// The port of a service.
pub(crate) fn port(name: &str) -> Option<u16> {
    SERVICES.binary_search_by(|(known, _)| (*known).cmp(name)).ok().map(|at| SERVICES[at].1)
}

/// Every name.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|&(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_and_found() {
        assert!(SERVICES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(port("https"), Some(443));
        assert_eq!(port("ssh"), Some(22));
        assert_eq!(port("HTTPS"), None);
    }
}
