using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>Calls a delegate whenever its descriptor is ready.</summary>
internal sealed class CallbackHandler(int descriptor, DescriptorEvents events, Action onReady) : DescriptorHandler(descriptor, events)
{
    protected override void OnReady() => onReady();
}
