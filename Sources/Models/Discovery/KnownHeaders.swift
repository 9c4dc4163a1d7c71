import Networks
import Synchronization
import Texts

/// What headers tell, remembered by their bytes: fine-tunes of one model that one program saved have the same header,
/// and comparing it is ten times faster than parsing it.
final class KnownHeaders: Sendable {
    /// What is told of a single file by its header.
    struct Told {
        let kind: CheckpointKind
        let hasAutoencoder: Bool
        let precision: String
        let licence: String?

        fileprivate init(_ header: SafetensorsHeader) {
            (kind, hasAutoencoder) = CheckpointKind.contents(of: header.tensors)
            precision = StoredPrecision(header.tensors).label
            licence = header.metadata["modelspec.license"]
        }
    }

    private struct Key: Hashable {
        let header: [UInt8]
        let dataBytes: Int

        /// Headers that differ mostly do so from their beginning on, or in length.
        private static let hashed = 512

        func hash(into hasher: inout Hasher) {
            hasher.combine(header.count)
            hasher.combine(dataBytes)
            hasher.combine(header.prefix(Key.hashed))
        }
    }

    /// How many bytes of headers are kept.
    private static let limit = 16 << 20

    private let known = Mutex<(told: [Key: Told], bytes: Int)>(([:], 0))

    /// What the header of the file at `path` tells.
    ///
    /// - Throws: why it cannot be read
    func told(by path: String) throws(NetworkExamination.Fault) -> Told {
        do {
            let file = try RegularFile(path: path)
            let prefix = try file.bytes(in: 0..<min(8, file.size))
            let start = 8 + (try SafetensorsHeader.length(from: prefix, fileBytes: file.size))
            let key = Key(header: try file.bytes(in: 8..<start), dataBytes: file.size - start)
            if let told = known.withLock({ $0.told[key] }) { return told }
            let told = Told(try SafetensorsHeader(parsing: key.header, dataBytes: key.dataBytes))
            known.withLock { known in
                guard known.bytes + key.header.count <= KnownHeaders.limit else { return }
                known.bytes += key.header.count
                known.told[key] = told
            }
            return told
        } catch let fault as SafetensorsFault {
            throw NetworkExamination.Fault(reason: "\(fault): fetch the file again, whole")
        } catch let error as CheckpointError {
            throw NetworkExamination.Fault(reason: Examination.reason(error))
        } catch {
            throw NetworkExamination.Fault(reason: "\(error)")
        }
    }
}
