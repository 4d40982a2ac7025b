import Hardware
import Quantities
import Rendering
import Scenarios
import Synchronization

/// Remarks that stand on standard error already: a command reads some profiles more than once.
private let saidRemarks = Mutex<Set<String>>([])

/// The profile, once it is said what in it is probably in another unit: every command that uses one asks here, because
/// its answer is as wrong as the profile.
func remarked(_ profile: HardwareProfile) -> HardwareProfile {
  for slip in HardwareFile.slips(profile) {
    let remark = "hardware profile \(visible(profile.name)): remark: \(slip)"
    if saidRemarks.withLock({ $0.insert(remark).inserted }) { printError(remark) }
  }
  return profile
}
