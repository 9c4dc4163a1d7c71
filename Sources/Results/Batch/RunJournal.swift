import Synchronization

/// What is done of a run over many pictures, in a file.
package protocol RunJournal: Sendable {
    /// Leaves no empty file behind.
    func removeIfEmpty()
}

/// A journal, once it is there.
private final class OpenedJournal<Journal: RunJournal>: Sendable {
    let journal = Mutex<Journal?>(nil)
}

extension Interruption {
    /// Opens a journal for a run; a signal that ends the program leaves none in which nothing is written.
    package static func keeping<Journal: RunJournal>(
        _ open: () throws -> Journal, _ run: (Journal) throws -> Void
    ) throws {
        // A signal that comes while the file is made waits until it can be removed.
        let opened = OpenedJournal<Journal>()
        beforeTheEnd { opened.journal.withLock { $0?.removeIfEmpty() } }
        defer { beforeTheEnd {} }
        let journal = try opened.journal.withLock { opened in
            let journal = try open()
            opened = journal
            return journal
        }
        try run(journal)
    }
}
