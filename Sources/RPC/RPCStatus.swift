/// How a call failed: a `google.rpc.Status`, the only error that crosses the wire.
///
/// The message is one sentence for a person: the offending value, the limit, and what to do.
package struct RPCStatus: Error, Equatable, Sendable, CustomStringConvertible {
    /// The codes of `google.rpc.Code`.
    package enum Code: Int32, Sendable {
        case ok = 0
        case cancelled = 1
        case unknown = 2
        case invalidArgument = 3
        case deadlineExceeded = 4
        case notFound = 5
        case alreadyExists = 6
        case permissionDenied = 7
        case resourceExhausted = 8
        case failedPrecondition = 9
        case aborted = 10
        case outOfRange = 11
        case unimplemented = 12
        case `internal` = 13
        case unavailable = 14
        case dataLoss = 15
        case unauthenticated = 16
    }

    package let code: Code
    package let message: String
    /// Why the call was refused that may be served later; `nil` of any other failure.
    package let refusal: Refusal?

    package init(_ code: Code, _ message: String) {
        self.init(code, message, refusal: nil)
    }

    package init(_ code: Code, _ message: String, refusal: Refusal?) {
        self.code = code
        self.message = message
        self.refusal = refusal
    }

    package var description: String { "\(code): \(message)" }

    /// Decodes a server's answer. Errors become `dataLoss`, since `invalidArgument` would blame the request.
    ///
    /// - Throws: `dataLoss` for whatever `body` throws
    static func ofAnswer<Value>(_ body: () throws(RPCStatus) -> Value) throws(RPCStatus) -> Value {
        do throws(RPCStatus) {
            return try body()
        } catch {
            throw RPCStatus(.dataLoss, "The daemon's answer cannot be read: \(error.message)")
        }
    }
}
