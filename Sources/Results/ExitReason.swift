import Images
import RPC

/// The programs' exit codes: 64 to 78 as in `sysexits.h`, above 128 as a shell reports a signal.
package enum ExitReason: Int32, CaseIterable, Sendable {
    case success = 0
    case failure = 1
    /// Of many pictures some failed; all others are done.
    case someFailed = 2
    /// Nothing of what was asked for is in the picture; all that was to be written is.
    case nothingFound = 3
    /// Illegal options or labels.
    case usage = 64
    /// The picture, or the file for `redo`, cannot be read or decoded.
    case badData = 65
    case missingInput = 66
    /// No daemon answers, or the one that does is not trusted.
    case unreachable = 69
    case cannotWrite = 73
    /// The daemon is busy or timed out.
    case tryLater = 75
    /// What was asked needs a network that the daemon has not loaded (EX_CONFIG).
    case unfit = 78
    case interrupted = 130
    /// EPIPE on standard output, as if by SIGPIPE.
    case brokenPipe = 141

    /// The exit code for an error.
    ///
    /// The daemon refuses bad pictures and bad options alike with `invalidArgument`; decoding the picture here tells
    /// them apart.
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
        case .failedPrecondition: self = .unfit
        case .unknown, .notFound, .alreadyExists, .aborted, .outOfRange, .unimplemented, .internal,
            .dataLoss, .unauthenticated:
            self = .failure
        }
    }
}

/// An error that brings its exit code.
package protocol ReasonedError: Error {
    var exitReason: ExitReason { get }
}
