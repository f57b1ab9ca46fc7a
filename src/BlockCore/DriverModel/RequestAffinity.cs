namespace BlockGraph.BlockCore.DriverModel;

/// <summary>Where a driver's requests may be carried out.</summary>
public enum RequestAffinity
{
    /// <summary>At the node's home context, by one thread; a request from elsewhere goes there and back.</summary>
    Home,

    /// <summary>Wherever the request is, by several threads at once.</summary>
    AnyContext,
}
