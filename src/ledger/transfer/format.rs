//! A ledger as lines of JSON: a header, the rows table by table, and what they came to at the end.
//! Knows no store; a file that is cut, mixed up or changed is not read to its end.

use std::io::{self, BufRead, Read as _, Write};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::line::{self, BadLine};
use super::tables::TABLES;
use super::tally::{Summary, Tally};
use crate::ledger::cell::{Cell, Row};

/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;
/// No event is as long; a file without line ends must not fill the memory.
const LONGEST_LINE: u64 = 1 << 30;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    usher_ledger: u32,
    /// Where it was, in a word.
    from: String,
    at: Timestamp,
    tables: Vec<Columns>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Columns {
    table: String,
    columns: Vec<String>,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct Trailer<S> {
    end: S,
}

/// Why a file is not read as a ledger.
#[derive(Debug, thiserror::Error)]
pub enum BadFile {
    /// It begins otherwise.
    #[error("it is not a ledger that `usher ledger export` wrote")]
    NotALedger,
    /// It was written by another version of usher.
    #[error(
        "it has the format {found}, and this usher reads the format {VERSION}; import it with the usher that wrote it"
    )]
    Version {
        /// Its format.
        found: u32,
    },
    /// A line is wrong.
    #[error("line {number} was changed: {why}")]
    Line {
        /// Which, from 1.
        number: u64,
        /// What is wrong with it.
        why: String,
    },
    /// Its end is missing.
    #[error("it is cut: it ends after line {number}, before the digests that the export wrote last")]
    Cut {
        /// The last line there is.
        number: u64,
    },
    /// Its rows are not those that were written.
    #[error("it was changed: counts or digests do not fit the rows of {table}")]
    Changed {
        /// The table.
        table: String,
    },
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl Header {
    pub(super) fn new(from: &str, at: Timestamp) -> Self {
        let columns = |table: &super::tables::Table| table.columns.iter().map(|one| one.name.to_owned()).collect();
        let tables = TABLES.iter().map(|table| Columns { table: table.name.to_owned(), columns: columns(table) });
        Self { usher_ledger: VERSION, from: from.to_owned(), at, tables: tables.collect() }
    }
}

/// Writes a file, row by row; nothing of it before the first.
pub(in crate::ledger) struct Writer<W> {
    to: W,
    header: Option<Header>,
    tally: Tally,
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(to: W, header: Header) -> Self {
        Self { to, header: Some(header), tally: Tally::default(), line: Vec::new() }
    }

    /// Writes a row of the table of this place; tables come in their order.
    pub(in crate::ledger) fn row(&mut self, table: usize, row: &[Cell]) -> io::Result<()> {
        self.begin()?;
        self.line.clear();
        line::write(&mut self.line, &TABLES[table], row)?;
        self.tally.add(table, &self.line);
        self.to.write_all(&self.line)
    }

    fn begin(&mut self) -> io::Result<()> {
        let Some(header) = self.header.take() else { return Ok(()) };
        serde_json::to_writer(&mut self.to, &header)?;
        self.to.write_all(b"\n")
    }

    /// Writes what the rows came to.
    pub(super) fn end(mut self) -> io::Result<Summary> {
        self.begin()?;
        let summary = self.tally.summary();
        serde_json::to_writer(&mut self.to, &Trailer { end: &summary })?;
        self.to.write_all(b"\n")?;
        self.to.flush()?;
        Ok(summary)
    }
}

/// Reads a file, row by row.
pub(in crate::ledger) struct Reader<R> {
    from: R,
    tally: Tally,
    line: Vec<u8>,
    number: u64,
    table: usize,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    pub(super) fn begin(from: R) -> Result<Self, BadFile> {
        #[derive(Deserialize)]
        struct Version {
            usher_ledger: u32,
        }
        let mut reader = Self { from, tally: Tally::default(), line: Vec::new(), number: 0, table: 0 };
        if !reader.advance()? {
            return Err(BadFile::NotALedger);
        }
        let Version { usher_ledger: found } = serde_json::from_slice(&reader.line).or(Err(BadFile::NotALedger))?;
        if found != VERSION {
            return Err(BadFile::Version { found });
        }
        let header: Header = serde_json::from_slice(&reader.line).or(Err(reader.bad("it is no header")))?;
        if header.tables != Header::new("", header.at).tables {
            return Err(reader.bad("it names other tables"));
        }
        Ok(reader)
    }

    /// The next row, and the place of its table; `None` after the last, when everything fits what the file says of it.
    pub(in crate::ledger) fn next(&mut self) -> Result<Option<(usize, Row)>, BadFile> {
        if !self.advance()? {
            return Err(BadFile::Cut { number: self.number });
        }
        if self.line.starts_with(b"{") {
            return self.end().map(|()| None);
        }
        let (table, row) = line::read(&self.line).map_err(|bad: BadLine| self.bad(bad))?;
        if table < self.table {
            return Err(self.bad("its table is over"));
        }
        self.table = table;
        self.tally.add(table, &self.line);
        Ok(Some((table, row)))
    }

    /// What the rows came to.
    pub(super) fn summary(&self) -> Summary {
        self.tally.summary()
    }

    fn end(&mut self) -> Result<(), BadFile> {
        let trailer: Trailer<Summary> = serde_json::from_slice(&self.line).or(Err(self.bad("it is no end")))?;
        if let Some(table) = self.summary().difference(&trailer.end) {
            return Err(BadFile::Changed { table: table.to_owned() });
        }
        if self.advance()? { Err(self.bad("it comes after the end")) } else { Ok(()) }
    }

    /// Takes the next line; says whether there is one. One without its end was cut.
    fn advance(&mut self) -> Result<bool, BadFile> {
        self.line.clear();
        (&mut self.from).take(LONGEST_LINE).read_until(b'\n', &mut self.line)?;
        match self.line.last() {
            None => return Ok(false),
            Some(b'\n') => self.number += 1,
            Some(_) if self.number == 0 => return Err(BadFile::NotALedger),
            Some(_) => return Err(BadFile::Cut { number: self.number }),
        }
        Ok(true)
    }

    fn bad(&self, why: impl ToString) -> BadFile {
        BadFile::Line { number: self.number, why: why.to_string() }
    }
}

#[cfg(test)]
mod tests;
