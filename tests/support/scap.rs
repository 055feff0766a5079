//! The small trace as a `.scap` capture, written block by block.

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const MACHINE_INFO: u32 = 0x201;
const PROCESSES_V9: u32 = 0x215;
const EVENT_V2: u32 = 0x216;

/// A block: type, length, body, padding, length.
pub fn block(ty: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let len = (padded + 12) as u32;
    let mut out = [ty.to_le_bytes(), len.to_le_bytes()].concat();
    out.extend_from_slice(body);
    out.resize(8 + padded, 0);
    out.extend(len.to_le_bytes());
    out
}

/// A section header with this major version.
pub fn header(major: u16) -> Vec<u8> {
    let mut body = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
    body.extend(major.to_le_bytes());
    body.extend(2u16.to_le_bytes());
    body.extend(u64::MAX.to_le_bytes());
    block(SECTION_HEADER, &body)
}

/// An event of thread 100 with its parameters.
pub fn event(number: u64, ty: u16, params: &[&[u8]]) -> Vec<u8> {
    let len = 26 + params.iter().map(|p| 2 + p.len()).sum::<usize>();
    let mut body = 0u16.to_le_bytes().to_vec();
    body.extend((1_735_689_600_000_000_000 + number * 1000).to_le_bytes());
    body.extend(100u64.to_le_bytes());
    body.extend((len as u32).to_le_bytes());
    body.extend(ty.to_le_bytes());
    body.extend((params.len() as u32).to_le_bytes());
    params.iter().for_each(|p| body.extend((p.len() as u16).to_le_bytes()));
    params.iter().for_each(|p| body.extend_from_slice(p));
    block(EVENT_V2, &body)
}

fn openat(number: u64, fd: i64, name: &[u8], flags: u32, mode: u32) -> Vec<u8> {
    let name = [name, b"\0"].concat();
    let dirfd = (-100i64).to_le_bytes();
    let params: [&[u8]; 7] = [
        &fd.to_le_bytes(),
        &dirfd,
        &name,
        &flags.to_le_bytes(),
        &mode.to_le_bytes(),
        &0u32.to_le_bytes(),
        &0u64.to_le_bytes(),
    ];
    event(number, 307, &params)
}

fn close(number: u64) -> Vec<u8> {
    event(number, 5, &[&0i64.to_le_bytes(), &3i64.to_le_bytes()])
}

fn machine() -> Vec<u8> {
    let mut body = 1u32.to_le_bytes().to_vec();
    body.extend([0; 16]);
    let mut hostname = b"lab.example.com".to_vec();
    hostname.resize(128, 0);
    body.extend(hostname);
    body.extend([0; 32]);
    block(MACHINE_INFO, &body)
}

fn processes() -> Vec<u8> {
    let mut entry = Vec::new();
    let text = |bytes: &[u8], entry: &mut Vec<u8>| {
        entry.extend((bytes.len() as u16).to_le_bytes());
        entry.extend_from_slice(bytes);
    };
    // tid, pid, ptid, sid, vpgid
    [100i64, 100, 1, 100, 100].iter().for_each(|v| entry.extend(v.to_le_bytes()));
    text(b"bash", &mut entry);
    text(b"/bin/bash", &mut entry);
    text(b"/usr/bin/bash", &mut entry);
    text(b"", &mut entry);
    text(b"/root", &mut entry);
    entry.extend(1024i64.to_le_bytes());
    // flags, uid, gid, three of memory
    [0u32; 6].iter().for_each(|v| entry.extend(v.to_le_bytes()));
    entry.extend([0; 16]);
    text(b"", &mut entry);
    [100i64, 100].iter().for_each(|v| entry.extend(v.to_le_bytes()));
    text(b"", &mut entry);
    text(b"/", &mut entry);
    let mut body = ((entry.len() + 4) as u32).to_le_bytes().to_vec();
    body.extend(entry);
    block(PROCESSES_V9, &body)
}

/// Everything before the events.
pub fn head() -> Vec<u8> {
    [header(1), machine(), processes()].concat()
}

/// The seven events of the small trace, a block each.
pub fn events() -> Vec<Vec<u8>> {
    vec![
        openat(1, 3, b"/etc/hosts", 1, 0),
        event(2, 7, &[&4i64.to_le_bytes(), b"abcd", &3i64.to_le_bytes(), &4096u32.to_le_bytes()]),
        close(3),
        openat(4, -2, b"/etc/missing", 1, 0),
        openat(5, 3, b"/dev/.hidden", 4 | 2, 0o644),
        close(6),
        event(7, 186, &[&0i64.to_le_bytes(), &0i64.to_le_bytes(), &[0], &[0], &0i64.to_le_bytes()]),
    ]
}

/// The small trace.
pub fn small() -> Vec<u8> {
    [head(), events().concat()].concat()
}
