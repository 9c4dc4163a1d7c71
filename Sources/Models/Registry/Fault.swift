import FoundationEssentials
import Glibc
import Texts

/// A file of a model that is not what it was when the model was added.
package struct Fault: Equatable, Sendable, CustomStringConvertible {
    private enum Kind: Equatable {
        case vanished(reason: String)
        case leadsElsewhere(now: String)
        case otherSize(now: Int)
        case otherTime(now: Int)
        case otherFile
    }

    private let model: RegisteredModel
    private let file: RegisteredFile
    private let kind: Kind

    /// `nil` where the file is as it was.
    init?(_ file: RegisteredFile, of model: RegisteredModel) {
        let before = file.state
        guard let now = FileState(at: file.path) else {
            kind = .vanished(reason: unsafe String(cString: strerror(errno)))
            (self.model, self.file) = (model, file)
            return
        }
        if ExactString(now.realPath) != ExactString(before.realPath) {
            kind = .leadsElsewhere(now: now.realPath)
        } else if now.size != before.size {
            kind = .otherSize(now: now.size)
        } else if now.modified != before.modified {
            kind = .otherTime(now: now.modified)
        } else if now.inode != before.inode {
            kind = .otherFile
        } else {
            return nil
        }
        (self.model, self.file) = (model, file)
    }

    package var path: String { file.path }
    package var hasVanished: Bool { if case .vanished = kind { true } else { false } }

    /// What happened to the file, without what to do.
    package var event: String {
        switch kind {
        case .vanished(let reason): "vanished since it was added (\(reason))"
        case .leadsElsewhere(let now):
            "leads elsewhere since it was added (to \(file.state.realPath) then, to \(now) now)"
        case .otherSize(let now): "changed since it was added (\(file.state.size) bytes then, \(now) now)"
        case .otherTime(let now):
            "changed since it was added (written at \(Self.time(file.state.modified)) then, \(Self.time(now)) now)"
        case .otherFile: "was replaced since it was added (another file of the same size and time)"
        }
    }

    package var description: String {
        let add = model.commandToAdd
        let advice =
            hasVanished
            ? "put it back, or type dseg model remove \(model.name)"
            : "type \(add) to take it as it is, or dseg model verify \(model.name)"
        return "\(model.name): \(file.path) \(event): \(advice)"
    }

    /// Nanoseconds since 1970 as a date of ISO 8601.
    private static func time(_ nanoseconds: Int) -> String {
        Date(timeIntervalSince1970: Double(nanoseconds / 1_000_000_000)).formatted(.iso8601)
    }
}
