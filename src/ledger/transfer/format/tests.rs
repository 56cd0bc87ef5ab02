//! A file is read as it was written, or not at all.

use proptest::prelude::*;

use super::super::line::tests::row;
use super::*;

fn written(rows: &[(usize, Row)]) -> (Vec<u8>, Summary) {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, Header::new("tests", Timestamp::UNIX_EPOCH));
    rows.iter().for_each(|(table, row)| writer.row(*table, row).unwrap());
    let summary = writer.end().unwrap();
    (file, summary)
}

fn read(file: &[u8]) -> Result<(Vec<(usize, Row)>, Summary), BadFile> {
    let (mut reader, mut rows) = (Reader::begin(file)?, Vec::new());
    while let Some(row) = reader.next()? {
        rows.push(row);
    }
    Ok((rows, reader.summary()))
}

fn rows() -> impl Strategy<Value = Vec<(usize, Row)>> {
    prop::collection::vec(row(), 0..8).prop_map(|mut rows| {
        rows.sort_by_key(|(table, _)| *table);
        rows
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_written_comes_back(rows in rows()) {
        let (file, summary) = written(&rows);
        prop_assert_eq!(read(&file).unwrap(), (rows, summary));
    }

    #[test]
    fn a_file_that_is_cut_anywhere_is_refused(rows in rows(), at in any::<prop::sample::Index>()) {
        let (file, _) = written(&rows);
        prop_assert!(read(&file[..at.index(file.len())]).is_err());
    }

    #[test]
    fn a_byte_that_was_changed_behind_the_header_is_refused(rows in rows(), at in any::<prop::sample::Index>(), by in 1..=255_u8) {
        let (mut file, _) = written(&rows);
        let header = file.iter().position(|byte| *byte == b'\n').unwrap();
        let at = header + at.index(file.len() - header);
        file[at] ^= by;
        prop_assert!(read(&file).is_err());
    }

    #[test]
    fn a_line_that_is_missing_or_there_twice_is_refused(rows in rows(), at in any::<prop::sample::Index>(), twice: bool) {
        let (file, _) = written(&rows);
        let mut lines: Vec<_> = file.split_inclusive(|byte| *byte == b'\n').collect();
        let at = at.index(lines.len());
        lines.splice(at..=at, vec![lines[at]; if twice { 2 } else { 0 }]);
        prop_assert!(read(&lines.concat()).is_err());
    }
}

#[test]
fn a_file_of_somebody_else_is_told() {
    let told = |file: &[u8]| read(file).unwrap_err().to_string();
    for file in [&b""[..], b"{}\n", b"hello\n", b"\0\0", b"{\"usher_ledger\":1}"] {
        assert_eq!(told(file), "it is not a ledger that `usher ledger export` wrote", "{file:?}");
    }
    assert!(told(b"{\"usher_ledger\":2,\"new\":true}\n").starts_with("it has the format 2"));
    assert_eq!(told(b"{\"usher_ledger\":1}\n"), "line 1 was changed: it is no header");
    let (file, _) = written(&[]);
    let other = String::from_utf8(file.clone()).unwrap().replacen("\"seq\"", "\"no\"", 1);
    assert_eq!(told(other.as_bytes()), "line 1 was changed: it names other tables");
    assert_eq!(told(&[&file[..], b"more\n"].concat()), "line 3 was changed: it comes after the end");
}

#[test]
fn tables_come_in_their_order() {
    let late = (1, vec![Cell::Number(1), Cell::Bytes(vec![1; 16])]);
    let attempt =
        (3, vec![Cell::Number(1), Cell::Number(1), Cell::Null, Cell::Null, Cell::Null, Cell::Null, Cell::Null]);
    let (file, _) = written(&[attempt, late]);
    assert_eq!(read(&file).unwrap_err().to_string(), "line 3 was changed: its table is over");
}
