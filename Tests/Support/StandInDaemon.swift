import Foundation
package import RPC

/// Answers every call in one way, whatever is asked; a thread of its own serves one connection after another.
package final class StandInDaemon {
    package let socket: String
    private let directory: TemporaryDirectory
    private let listener: CInt

    /// - Parameters:
    ///   - answer: the frames that answer a call, from what the server half of the wire makes of them
    ///   - receiving: gets the messages that follow an upload's request
    package init(
        _ answer: @escaping @Sendable (ServerConnection.Call, inout ServerConnection) throws -> [[UInt8]?],
        receiving: @escaping @Sendable ([UInt8]) -> Void = { _ in }
    ) throws {
        directory = try TemporaryDirectory()
        let path = "\(directory.path)/stand-in.sock"
        let listener = try listen(at: path)
        self.listener = listener
        socket = path
        Thread.detachNewThread {
            while case let descriptor = accepted(on: listener), descriptor >= 0 {
                Self.serve(UnixSocket(adopting: descriptor, path: path), answer, receiving)
            }
            close(listener)
        }
    }

    /// Ends the listening thread.
    deinit { shutdown(listener, CInt(SHUT_RDWR)) }

    private static func serve(
        _ socket: consuming UnixSocket,
        _ answer: (ServerConnection.Call, inout ServerConnection) throws -> [[UInt8]?],
        _ receiving: ([UInt8]) -> Void
    ) {
        var connection = ServerConnection()
        do {
            while case let bytes = try socket.read(), !bytes.isEmpty {
                for action in connection.receive(bytes) {
                    switch action {
                    case .write(let bytes): try socket.write(bytes)
                    case .open(let call):
                        for frame in try answer(call, &connection) { try socket.write(frame ?? []) }
                    case .message(_, let message): receiving(message)
                    case .halfClose, .cancel: break
                    case .close: return
                    }
                }
            }
        } catch {
            return
        }
    }
}

extension Header {
    /// Of an answer about a boat in a square picture.
    package static func aboutBoat(side: UInt32) -> Header {
        let phrase = UnderstoodPhrase(
            words: "boat", prompt: "boat", positions: [1], truncated: false, caption: "", weight: 1)
        return Header(
            handle: "", width: side, height: side, latentWidth: 8, latentHeight: 8,
            labels: [UnderstoodLabel(name: "boat", phrases: [phrase])], recipe: "best", forwardPrompt: "", seed: 0,
            timestep: 0, threshold: 0.5, model: "", modelHash: "", modelAliases: [], version: "", precision: "",
            instructionSet: "", blas: "", settings: [], labelsCompete: false, notes: [], choice: nil, captioner: nil,
            filter: nil)
    }
}
