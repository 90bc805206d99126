//! Bytes to text. Spreadsheets write UTF-8 with a byte order mark, or in Japan `Shift_JIS` (as Windows-31J) without.
//!
//! In evaluation order:
//!
//! 1. What begins with the mark of UTF-8 is UTF-8; with one of UTF-16, it is refused.
//! 2. What is sound UTF-8 is UTF-8: Japanese text in `Shift_JIS` hardly ever is.
//! 3. What is sound `Shift_JIS` is that.
//! 4. Anything else is refused at the first byte that is neither.

use super::Fault;
use encoding_rs::SHIFT_JIS;
use std::borrow::Cow;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// `Shift_JIS`, as Windows-31J has it.
    ShiftJis,
}

impl Encoding {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::ShiftJis => "Shift_JIS",
        }
    }
}

const HELP: &str = "save the file as \"CSV UTF-8\", or as CSV on a Japanese Windows (Shift_JIS)";

/// Decodes a file; `said` is how its owner says that it is written.
///
/// # Errors
/// It is written in none of the two ways, or not as it was said to be.
pub fn decode(bytes: &[u8], said: Option<Encoding>) -> Result<(Cow<'_, str>, Encoding), Fault> {
    let bytes = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => rest,
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] => {
            return Err(fault(1, "the file is UTF-16".to_owned()));
        }
        bytes => bytes,
    };
    let utf8 = std::str::from_utf8(bytes);
    match (said, utf8) {
        (None | Some(Encoding::Utf8), Ok(text)) => Ok((Cow::Borrowed(text), Encoding::Utf8)),
        (Some(Encoding::Utf8), Err(error)) => {
            Err(fault(line_of(bytes, error.valid_up_to()), "this is not UTF-8".to_owned()))
        }
        (None | Some(Encoding::ShiftJis), utf8) => {
            let text = SHIFT_JIS.decode_without_bom_handling_and_without_replacement(bytes);
            let line = || utf8.err().map_or(1, |error| line_of(bytes, error.valid_up_to()));
            text.map(|text| (text, Encoding::ShiftJis))
                .ok_or_else(|| fault(line(), "this is neither UTF-8 nor Shift_JIS".to_owned()))
        }
    }
}

fn fault(line: u64, message: String) -> Fault {
    Fault { line, column: None, message, help: HELP }
}

fn line_of(bytes: &[u8], offset: usize) -> u64 {
    let before = bytes.get(..offset).unwrap_or(bytes);
    before.split(|byte| *byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_file_is_written() {
        let (shift_jis, ..) = SHIFT_JIS.encode("氏名,①髙﨑\r\n");
        let mut marked = vec![0xEF, 0xBB, 0xBF];
        marked.extend("氏名".as_bytes());
        for (name, bytes, want) in [
            ("ASCII", b"a,b".to_vec(), Ok(("a,b", Encoding::Utf8))),
            ("nothing", Vec::new(), Ok(("", Encoding::Utf8))),
            ("UTF-8", "氏名".into(), Ok(("氏名", Encoding::Utf8))),
            ("UTF-8 with its mark", marked, Ok(("氏名", Encoding::Utf8))),
            (
                "Shift_JIS with Windows' own",
                shift_jis.to_vec(),
                Ok(("氏名,①髙﨑\r\n", Encoding::ShiftJis)),
            ),
            ("UTF-16", b"\xFF\xFEa\0".to_vec(), Err((1, "the file is UTF-16"))),
            ("UTF-16, the other way", b"\xFE\xFF\0a".to_vec(), Err((1, "the file is UTF-16"))),
            (
                "EUC-JP",
                b"a\nb\n\xA4\xFF\n".to_vec(),
                Err((3, "this is neither UTF-8 nor Shift_JIS")),
            ),
        ] {
            let got = decode(&bytes, None);
            let got = got.as_ref().map(|(text, encoding)| (&**text, *encoding));
            assert_eq!(got.map_err(|fault| (fault.line, &*fault.message)), want, "{name}");
        }
    }

    #[test]
    fn what_its_owner_says_is_believed_or_refused() {
        let bytes = "氏名".as_bytes();
        assert!(decode(bytes, Some(Encoding::Utf8)).is_ok());
        assert!(decode(b"a\n\x83\x5C", Some(Encoding::Utf8)).is_err_and(|fault| fault.line == 2));
        let (text, _) = decode(b"\x83\x5C", Some(Encoding::ShiftJis)).unwrap();
        assert_eq!(text, "ソ", "whose second byte is a backslash");
    }
}
