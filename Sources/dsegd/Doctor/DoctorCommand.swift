import ArgumentParser
import Results

/// Examines this installation.
struct DoctorCommand: ParsableCommand {
    static let configuration = DoctorOptions.configuration

    @OptionGroup var options: DoctorOptions

    func run() throws {
        try ModelCommand.exiting {
            let models = ModelExamination()
            let examination = Examination([
                Section(name: "program", observations: ProgramExamination.observations),
                Section(name: "processor", observations: ProcessorExamination.observations),
                Section(name: "models", observations: models.observations),
                Section(name: "socket", observations: SocketExamination(options.place.socket).observations),
                Section(name: "units", observations: UnitExamination.observations),
                Section(name: "caches", observations: CacheExamination.observations),
                Section(name: "self-test", observations: SelfTestExamination.observations),
            ])
            if options.json {
                try ModelCommand.write(json: examination)
            } else {
                try ModelCommand.write(examination.lines)
            }
            if !examination.healthy { throw ExitCode(ExitReason.failure.rawValue) }
        }
    }
}
