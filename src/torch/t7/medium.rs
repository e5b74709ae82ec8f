//! Where the bytes of a stream lie: in memory, in a file, or at the other end of a pipe.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
};

use crate::torch::memory::{self, Claim};

/// Bytes that are read and written at a position, with one byte of foresight.
pub trait Medium {
    /// The byte at the position, without moving; `None` at the end.
    ///
    /// # Errors
    /// When the operating system refuses.
    fn peek(&mut self) -> io::Result<Option<u8>>;
    /// Fills `into` from the position on; fewer bytes only at the end.
    ///
    /// # Errors
    /// When the operating system refuses.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize>;
    /// Writes at the position, over what is there, and grows as needed.
    ///
    /// # Errors
    /// When the operating system refuses.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Moves to a 0-based position.
    ///
    /// # Errors
    /// When the medium has no such position.
    fn seek(&mut self, position: u64) -> io::Result<()>;
    /// Moves behind the last byte.
    ///
    /// # Errors
    /// When the medium cannot.
    fn seek_end(&mut self) -> io::Result<()>;
    /// The 0-based position.
    ///
    /// # Errors
    /// When the medium has none.
    fn position(&mut self) -> io::Result<u64>;
    /// Hands what was written to the operating system.
    ///
    /// # Errors
    /// When the operating system refuses.
    fn flush(&mut self) -> io::Result<()>;
    /// All bytes, of a medium in memory.
    fn contents(&self) -> Option<&[u8]> {
        None
    }
}

/// Bytes in memory.
#[derive(Debug, Default)]
pub struct Memory {
    bytes: Vec<u8>,
    position: usize,
    claim: Claim,
}

impl Memory {
    /// These bytes, at their first one.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Memory {
        let claim = Claim::new(bytes.capacity() as u64);
        Memory { bytes, position: 0, claim }
    }

    /// Makes room for `more` bytes at the end, below the limit of tensor memory.
    fn grow(&mut self, more: usize) -> io::Result<()> {
        let wanted = self.bytes.len().saturating_add(more);
        if wanted > self.bytes.capacity() {
            let room = wanted.max(2 * self.bytes.capacity());
            if !memory::may_take(room as u64) {
                return Err(io::Error::new(
                    io::ErrorKind::OutOfMemory,
                    format!("a file in memory of {wanted} bytes does not fit into the tensor memory"),
                ));
            }
            self.bytes.try_reserve_exact(room - self.bytes.len()).map_err(|_| io::ErrorKind::OutOfMemory)?;
            self.claim.grow_to(room as u64);
        }
        Ok(())
    }
}

impl Medium for Memory {
    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.bytes.get(self.position).copied())
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.position += count;
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let over = (self.bytes.len() - self.position).min(bytes.len());
        self.grow(bytes.len() - over)?;
        self.bytes[self.position..self.position + over].copy_from_slice(&bytes[..over]);
        self.bytes.extend_from_slice(&bytes[over..]);
        self.position += bytes.len();
        Ok(())
    }

    fn seek(&mut self, position: u64) -> io::Result<()> {
        match usize::try_from(position) {
            Ok(position) if position <= self.bytes.len() => self.position = position,
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        }
        Ok(())
    }

    fn seek_end(&mut self) -> io::Result<()> {
        self.position = self.bytes.len();
        Ok(())
    }

    fn position(&mut self) -> io::Result<u64> {
        Ok(self.position as u64)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn contents(&self) -> Option<&[u8]> {
        Some(&self.bytes)
    }
}

/// A file on disk. What is written is kept back until the next read, seek or flush.
#[derive(Debug)]
pub struct Disk {
    file: BufReader<File>,
    written: Vec<u8>,
}

/// Bytes that are kept back before they go to the operating system.
const KEPT: usize = 1 << 16;

impl Disk {
    /// Opens a file: to read, to write it anew, or (both) to read and change it.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn open(path: &Path, reads: bool, writes: bool) -> io::Result<Disk> {
        let file = match (reads, writes) {
            (true, true) => OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path),
            (false, true) => File::create(path),
            _ => File::open(path),
        }?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Disk { file: BufReader::new(file), written: Vec::new() })
    }

    fn hand_over(&mut self) -> io::Result<()> {
        if !self.written.is_empty() {
            // The reader may have looked ahead: writing goes on where reading stopped.
            let position = self.file.stream_position()?;
            let _ = self.file.seek(SeekFrom::Start(position))?;
            let written = std::mem::take(&mut self.written);
            self.file.get_mut().write_all(&written)?;
            let _ = self.file.seek(SeekFrom::Start(position + written.len() as u64))?;
        }
        Ok(())
    }
}

impl Medium for Disk {
    fn peek(&mut self) -> io::Result<Option<u8>> {
        self.hand_over()?;
        Ok(self.file.fill_buf()?.first().copied())
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.hand_over()?;
        read_all(&mut self.file, into)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written.extend_from_slice(bytes);
        if self.written.len() > KEPT { self.hand_over() } else { Ok(()) }
    }

    fn seek(&mut self, position: u64) -> io::Result<()> {
        self.hand_over()?;
        self.file.seek(SeekFrom::Start(position)).map(|_| ())
    }

    fn seek_end(&mut self) -> io::Result<()> {
        self.hand_over()?;
        self.file.seek(SeekFrom::End(0)).map(|_| ())
    }

    fn position(&mut self) -> io::Result<u64> {
        Ok(self.file.stream_position()? + self.written.len() as u64)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_over()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.hand_over(); // whoever wants to know closes the file first
    }
}

fn read_all(source: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < into.len() {
        match source.read(&mut into[count..]) {
            Ok(0) => break,
            Ok(n) => count += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// A program's output to read, or its input to write. It has no positions.
pub struct Pipe {
    /// The program's output.
    pub output: Option<BufReader<Box<dyn Read>>>,
    /// The program's input.
    pub input: Option<Box<dyn Write>>,
}

impl Medium for Pipe {
    fn peek(&mut self) -> io::Result<Option<u8>> {
        match &mut self.output {
            Some(output) => Ok(output.fill_buf()?.first().copied()),
            None => Ok(None),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.output.as_mut().map_or(Ok(0), |output| read_all(output, into))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.input.as_mut().map_or(Ok(()), |input| input.write_all(bytes))
    }

    fn seek(&mut self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn seek_end(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn position(&mut self) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.input.as_mut().map_or(Ok(()), |input| input.flush())
    }
}
