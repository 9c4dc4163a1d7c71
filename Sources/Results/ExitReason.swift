import Images
import RPC

/// What a program's exit tells a script; the numbers above 63 are those of `sysexits.h`.
package enum ExitReason: Int32, CaseIterable, Sendable {
    case success = 0
    case failure = 1
    /// Options or words that mean nothing.
    case usage = 64
    /// The picture or the file cannot be understood.
    case badData = 65
    case missingInput = 66
    /// No daemon answers, or none that may be asked.
    case unreachable = 69
    case cannotWrite = 73
    /// The daemon is busy.
    case tryLater = 75
    case interrupted = 130
    /// The reader of standard output went away.
    case brokenPipe = 141

    /// For an error of this room, of `Images`, of a call, or one that knows its own reason.
    ///
    /// The daemon refuses a picture and an option with the same code; which of them it was, the
    /// picture itself tells.
    ///
    /// - Parameter picture: the file that was asked about, if it was read
    package init(_ error: any Error, picture: [UInt8]?) {
        switch error {
        case let error as FileError:
            switch error {
            case .cannotRead, .isFolder: self = .missingInput
            case .tooLarge: self = .badData
            case .cannotWrite, .exists, .noDirectory, .isNoFolder, .notAll: self = .cannotWrite
            case .readerGone: self = .brokenPipe
            }
        case is WordError, is PlanError: self = .usage
        case is ImageError, is ProvenanceError: self = .badData
        case let status as RPCStatus: self.init(status, picture: picture)
        case let error as any ReasonedError: self = error.exitReason
        default: self = .failure
        }
    }

    private init(_ status: RPCStatus, picture: [UInt8]?) {
        switch status.code {
        case .ok: self = .success
        case .invalidArgument:
            let isPicture = picture.map { (try? Image(decoding: $0)) != nil } ?? true
            self = isPicture ? .usage : .badData
        case .unavailable, .permissionDenied: self = .unreachable
        case .resourceExhausted, .deadlineExceeded: self = .tryLater
        case .cancelled: self = .interrupted
        default: self = .failure
        }
    }
}

/// An error of another room that says how a program ends for it.
package protocol ReasonedError: Error {
    var exitReason: ExitReason { get }
}
