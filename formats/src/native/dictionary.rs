//! The built-in dictionary of small segments: what most Linux hosts have in common.

/// Names of accounts, services, libraries and files, environments and cgroups, in the concatenated form in which
/// strings stand in a segment. A short trace is mostly its start state, and that is mostly these.
///
/// The bytes are part of version 1 of the format and never change: a better dictionary would be method 3.
pub(crate) static DICTIONARY: &[u8] = include_bytes!("dictionary-1.bin");

#[cfg(test)]
mod tests {
    #[test]
    fn the_dictionary_is_frozen() {
        assert_eq!((super::DICTIONARY.len(), crc32c::crc32c(super::DICTIONARY)), (17621, 783_240_174));
    }
}
