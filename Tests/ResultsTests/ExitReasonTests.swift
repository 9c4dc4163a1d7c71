import Images
import RPC
import Testing

@testable import Results

@Suite struct ExitReasonTests {
    @Test func `the numbers are those that are documented`() {
        #expect(
            ExitReason.allCases.map(\.rawValue) == [0, 1, 2, 3, 64, 65, 66, 69, 73, 75, 78, 130, 141])
    }

    @Test func `a call's status says who is to act`() throws {
        func status(_ code: RPCStatus.Code, picture: [UInt8]? = nil) -> ExitReason {
            ExitReason(RPCStatus(code, ""), picture: picture)
        }
        #expect(status(.unavailable) == .unreachable)
        #expect(status(.resourceExhausted) == .tryLater)
        #expect(status(.cancelled) == .interrupted)
        #expect(status(.failedPrecondition) == .unfit)
        #expect(status(.internal) == .failure && status(.notFound) == .failure)
        #expect(status(.invalidArgument) == .usage)
        #expect(status(.invalidArgument, picture: try Example().picture) == .usage)
        #expect(status(.invalidArgument, picture: Array("GIF89a".utf8)) == .badData)
    }

    @Test func `errors of this side say so too`() {
        #expect(ExitReason(WordError.tooManyLabels(256), picture: nil) == .usage)
        #expect(ExitReason(VocabularyError.unknown("koko"), picture: nil) == .usage)
        #expect(ExitReason(VocabularyError.empty(path: ""), picture: nil) == .badData)
        #expect(ExitReason(VocabularyError.unreadable(.isFolder(path: "")), picture: nil) == .missingInput)
        #expect(ExitReason(PlanError.bytesForTerminal, picture: nil) == .usage)
        #expect(ExitReason(ImageError.empty, picture: nil) == .badData)
        #expect(ExitReason(ProvenanceError.none, picture: nil) == .badData)
        #expect(ExitReason(FileError.tooLarge(path: "", limit: 1), picture: nil) == .badData)
        #expect(ExitReason(CancellationError(), picture: nil) == .failure)
    }
}
