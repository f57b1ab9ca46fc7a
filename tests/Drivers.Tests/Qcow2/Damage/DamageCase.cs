namespace BlockGraph.Drivers.Tests.Qcow2.Damage;

/// <summary>One field of an image set to what cannot be right.</summary>
/// <param name="Id">What the table of observed behaviour calls it.</param>
/// <param name="Base">Which sound image it is done to.</param>
/// <param name="Spoil">Does it.</param>
internal sealed record DamageCase(string Id, string Base, Action<DamagedImage> Spoil)
{
    /// <summary>
    /// What the well-known programs do, letter by letter: open, check, read, write, check again after a repair. '0': they do it; '1' and '2': they refuse it, or find errors;
    /// '3': they find leaks; 'w': they read what was not written; 's': they crash.
    /// </summary>
    public string Observed => DamageObservations.Of(Id);

    public override string ToString() => Id;
}
